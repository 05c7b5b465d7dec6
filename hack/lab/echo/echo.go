// Package echo answers HTTP requests with the address that they come from, as the public
// servers do that people ask for their own.
package echo

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// Serve listens on the addresses of its arguments until it is killed.
func Serve(args []string) error {
	flags := flag.NewFlagSet("echo", flag.ContinueOnError)
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return errors.New("echo: want addresses to listen on, such as [::]:80")
	}
	ended := make(chan error)
	for _, address := range flags.Args() {
		l, err := net.Listen("tcp", address)
		if err != nil {
			return err
		}
		server := &http.Server{Handler: http.HandlerFunc(answer), ReadHeaderTimeout: time.Minute}
		go func() { ended <- server.Serve(l) }()
	}
	return <-ended
}

// answer is the caller's address: a line of text, or JSON for who asks for that.
func answer(w http.ResponseWriter, r *http.Request) {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	address := from.Addr().Unmap()
	if r.URL.Path == "/json" || strings.Contains(r.Header.Get("Accept"), "application/json") {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"ip": address, "port": from.Port()}) // the caller may be gone
		return
	}
	_, _ = fmt.Fprintln(w, address) // likewise
}
