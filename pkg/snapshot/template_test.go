package snapshot

import "testing"

func TestTopics(t *testing.T) {
	addresses := []string{"POD_IP"}
	for text, want := range map[string][4]string{
		"--bind-address=0.0.0.0":                   {"0.0.0.0"},
		"0.0.0.0:8080":                             {"0.0.0.0:8080"},
		"tcp://0.0.0.0:2375":                       {"0.0.0.0:2375"},
		"http://0.0.0.0:8080/health":               {"0.0.0.0:8080"},
		"--allow=0.0.0.0/0":                        {},
		"--listen=0.0.0.0:80,[::]:80":              {},
		"10.0.0.0.0":                               {},
		"http://2001:db8::5:9094/metrics":          {1: "2001:db8::5:9094"},
		"postgres://me:secret@2001:db8::5/shop":    {1: "2001:db8::5"},
		"http://[2001:db8::5]:9094":                {},
		"http://192.0.2.5:9094":                    {},
		"http://shop.example.org:80":               {},
		"$(POD_IP):9094":                           {2: "$(POD_IP):"},
		"--peer=[$(POD_IP)]:9094":                  {},
		"$(HOSTNAME):9094":                         {},
		"-Xmx1g -Djava.net.preferIPv4Stack=true":   {3: "-Djava.net.preferIPv4Stack=true"},
		"-Djava.net.preferIPv4Stack=false -Xmx1g ": {},
	} {
		got := [4]string{listensIPv4(text), bareIPv6(text), joinedPort(text, addresses), javaIPv4Only(text)}
		if got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
