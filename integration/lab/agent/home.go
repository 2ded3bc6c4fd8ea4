package main

import (
	"bufio"
	"net"
	"time"
)

// callHome is a net.Listener whose connections are made by itself: there is
// always one open to the host that waits for a request.
type callHome struct{ addr string }

// Accept connects to the host and returns the connection when the first byte
// of a request has come, so that no more than one connection lies idle.
// It tries again, for ever, if the host cannot be reached or hangs up.
func (h callHome) Accept() (net.Conn, error) {
	for {
		c, err := net.DialTimeout("tcp", h.addr, 5*time.Second)
		if err != nil {
			// The network may not be up yet, or the host is gone for good, in
			// which case this guest is about to be killed.
			time.Sleep(50 * time.Millisecond)
			continue
		}
		r := bufio.NewReader(c)
		if _, err := r.Peek(1); err != nil {
			c.Close()
			continue
		}
		return &peekedConn{Conn: c, r: r}, nil
	}
}

func (h callHome) Addr() net.Addr { return addr(h.addr) }

// Close is there for net.Listener; the agent ends with its guest.
func (h callHome) Close() error { return nil }

// peekedConn is a connection of which some bytes have been read ahead.
type peekedConn struct {
	net.Conn
	r *bufio.Reader
}

func (c *peekedConn) Read(p []byte) (int, error) { return c.r.Read(p) }

type addr string

func (a addr) Network() string { return "tcp" }
func (a addr) String() string  { return string(a) }
