// Command tpcc is a C compiler that makes pairs: programs for x86-64 and
// aarch64 that agree on every address, between which tpfs can move a process.
package main

import (
	"fmt"
	"os"

	"github.com/tpfs/tpfs/toolchain/driver"
)

func main() {
	program, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, "tpcc: error:", err)
		os.Exit(1)
	}
	os.Exit(driver.Run(program, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
