// Agent runs inside a guest of the laboratory and does what the host asks of
// it over HTTP: run a script, put and get files.
//
//	POST /exec?timeout=30s           body: sh script; answer: its output as it comes, trailers Exit and Error
//	GET  /file?path=/x               answer: the file
//	PUT  /file?path=/x&mode=755      body: the file
//	POST /untar?dir=/x               body: tar stream
//
// It does not listen, it calls home: TPFS_LAB in the environment is the
// address of the host's listener, and requests come in over the connections
// the agent opens. So no port on the host has to be guessed to be free, and
// the first connection tells the host that the guest is up.
package main

import (
	"log"
	"net/http"
	"os"
)

func main() {
	home := os.Getenv("TPFS_LAB")
	if home == "" {
		log.Fatal("agent: TPFS_LAB is not set: it must be the host:port to connect to")
	}
	log.Fatal(http.Serve(callHome{home}, handler()))
}
