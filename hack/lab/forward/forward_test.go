package forward

import (
	"io"
	"net"
	"testing"
)

// TestCarry has a client that says all that it has to say and then waits for an answer,
// which comes when the server has heard the end.
func TestCarry(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	go func() {
		c, err := server.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		heard, _ := io.ReadAll(c)
		_, _ = c.Write(append([]byte("heard "), heard...))
	}()
	front, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer front.Close()
	go func() {
		if c, err := front.Accept(); err == nil {
			carry(c, server.Addr().String())
		}
	}()
	client, err := net.Dial("tcp", front.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if err := client.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(client); err != nil || string(answer) != "heard hello" {
		t.Errorf("%q, %v", answer, err)
	}
}
