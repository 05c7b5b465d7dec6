LC_ALL=C
export LC_ALL
unset http_proxy https_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY
set -f
say() { printf 'dualstack/1 %s\n' "$*"; }
have() { command -v "$1" >/dev/null 2>&1; }

clock=
if timeout 1 sh -c : 2>/dev/null; then
	clock=timeout
elif timeout -t 1 sh -c : 2>/dev/null; then
	clock='timeout -t'
fi
limit() {
	seconds=$1
	shift
	if [ -n "$clock" ]; then
		$clock "$seconds" "$@"
		return
	fi
	"$@" &
	child=$!
	(sleep "$seconds" && kill "$child") >/dev/null 2>&1 &
	guard=$!
	wait "$child"
	ended=$?
	kill "$guard" 2>/dev/null
	return "$ended"
}

# worked CODE: whether a program ran at all; one that timeout ended did.
worked() {
	case $1 in
	124 | 143) return 0 ;;
	esac
	[ "$1" -lt 126 ]
}

# reasons SUBJECT: the lines of standard input that say why.
reasons() {
	while read -r line; do
		case $line in
		*efused* | *nreachable* | *"No route"* | *ermission* | *"not permitted"* | *"not available"* | *"annot assign"* | *"timed out"* | *"not supported"* | *HTTP/* | *ertificate* | *eset*)
			say "$F" "$1" why "$line"
			;;
		esac
	done
}

with_curl() {
	subject=$1 url=$2
	shift 2
	out=$(limit $((S + 1)) curl -q "-$F" -g -s -k --limit-rate 100K --connect-timeout "$S" -m "$S" \
		-w ' dualstack-end %{http_code},%{time_connect},%{local_ip},%{remote_ip},%{remote_port},%{size_download}' \
		"$@" "$url" 2>/dev/null </dev/null)
	code=$? end=
	worked "$code" || return 1
	case $out in
	*" dualstack-end "*) end=${out##* dualstack-end } ;;
	esac
	say "$F" "$subject" curl "$code" "$end"
	if [ "$subject" = main ] && [ -n "$scheme" ]; then
		say "$F" "$subject" body $(printf '%.600s' "${out% dualstack-end *}")
	fi
	if [ "$code" = 7 ]; then
		limit $((S + 1)) curl -q "-$F" -g -s -k -v --connect-timeout "$S" -m "$S" "$@" "$url" 2>&1 >/dev/null </dev/null | reasons "$subject"
	fi
	return 0
}

with_wget() {
	set -- "$1" "$2" ${name:+--header} ${name:+"Host: $name"}
	subject=$1 url=$2
	shift 2
	out=$(limit $((S + 1)) wget -q -t 1 -T "$S" -O - "$@" "$url" 2>/dev/null </dev/null)
	code=$?
	worked "$code" || return 1
	say "$F" "$subject" wget "$code"
	say "$F" "$subject" body $(printf '%.600s' "$out")
	[ "$code" = 0 ] || limit "$S" wget -t 1 -T "$S" -O /dev/null "$@" "$url" 2>&1 </dev/null | reasons "$subject"
	return 0
}

in_bash='exec 3<>"/dev/tcp/$1/$2" || exit 1
echo connected
[ -n "$3" ] || exit 0
printf "%s\r\n" "GET $3 HTTP/1.0" "Host: $4" "Connection: close" "" >&3
n=0 body=
while [ $n -lt 60 ]; do
	IFS= read -r line <&3 || [ -n "$line" ] || break
	line=${line%$(printf "\r")}
	[ $n = 0 ] || [ -n "$body" ] && printf "%s\n" "$line"
	[ -n "$line" ] || body=1
	n=$((n + 1))
done'

in_python='import socket, sys
v6 = sys.argv[1] == "6"
s = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(float(sys.argv[4]))
try:
    s.connect((sys.argv[2], int(sys.argv[3])))
except OSError as e:
    print(e)
    sys.exit(1)
print("connected")
print("own", s.getsockname()[0])'

in_perl='use Socket qw(:DEFAULT inet_pton pack_sockaddr_in6);
my ($f, $h, $p) = @ARGV;
my $v6 = $f eq "6";
my $a = inet_pton($v6 ? AF_INET6 : AF_INET, $h);
socket(my $s, $v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0) or die "$!\n";
connect($s, $v6 ? pack_sockaddr_in6($p, $a) : pack_sockaddr_in($p, $a)) or die "$!\n";
print "connected\n"'

# with TOOL SUBJECT COMMAND...: runs one that says «connected» when it is.
with() {
	tool=$1 subject=$2
	shift 2
	out=$(limit "$S" "$@" 2>&1 </dev/null)
	code=$?
	worked "$code" || return 1
	case $out in
	*connected*) say "$F" "$subject" connected "$tool" ;;
	*) say "$F" "$subject" "$tool" "$code" ;;
	esac
	printf '%s\n' "$out" | while read -r word address rest; do
		[ "$word" = own ] && say "$F" "$subject" own "$address"
	done
	[ -n "$get" ] && say "$F" "$subject" body $(printf '%.600s' "$out")
	printf '%s\n' "$out" | reasons "$subject"
	return 0
}

with_nc() {
	case $(nc -h 2>&1 </dev/null) in
	*[Bb]usy[Bb]ox*) out=$(limit $((S + 1)) nc -w "$S" "$2" "$3" 2>&1 </dev/null >/dev/null) ;;
	*) out=$(limit $((S + 1)) nc -z -v -w "$S" "$2" "$3" 2>&1 </dev/null >/dev/null) ;;
	esac
	code=$?
	subject=$1
	case $code in
	0 | 124 | 143) say "$F" "$subject" connected nc ;;
	*)
		worked "$code" || return 1
		say "$F" "$subject" nc "$code"
		printf '%s\n' "$out" | reasons "$subject"
		;;
	esac
}

# reach SUBJECT HOST PORT [URL] connects to the literal address HOST with the first program
# that is there; for curl and wget HOST may be in the URL alone.
reach() {
	get=
	[ -n "$4" ] && get=$path
	case $1 in
	rung*) have bash && with bash "$1" bash -c "$in_bash" - "$2" "$3" "" "" && return ;; # curl would wait for an end
	esac
	if have curl; then
		if [ -n "$4" ]; then
			with_curl "$1" "$4" ${header:+-H} ${header:+"$header"} ${to:+--connect-to} ${to:+"$to"} && return
		else
			with_curl "$1" "telnet://$(url_host "$2"):$3" && return
		fi
	fi
	[ -n "$2" ] || return
	[ -n "$4" ] && have wget && with_wget "$1" "$scheme://$(url_host "$2"):$3$path" && return
	have bash && with bash "$1" bash -c "$in_bash" - "$2" "$3" "$get" "${name:-$(url_host "$2")}" && return
	have nc && with_nc "$1" "$2" "$3" && return
	have python3 && with python3 "$1" python3 -c "$in_python" "$F" "$2" "$3" "$S" && return
	have perl && with perl "$1" perl -e "$in_perl" "$F" "$2" "$3" && return
	say "$F" "$1" nothing
}

url_host() {
	case $1 in
	*:*%*) printf '[%s%%25%s]' "${1%%\%*}" "${1#*%}" ;;
	*:*) printf '[%s]' "$1" ;;
	*) printf '%s' "$1" ;;
	esac
}

fits() {
	case $1 in
	*[!0-9a-fA-F:.]* | ::ffff:*.*) return 1 ;;
	*:*:*) [ "$F" = 6 ] ;;
	*.*.*.*) [ "$F" = 4 ] ;;
	*) return 1 ;;
	esac
}

in_python_names='import socket, sys
f = socket.AF_INET6 if sys.argv[1] == "6" else socket.AF_INET
for x in socket.getaddrinfo(sys.argv[2], None, f, socket.SOCK_STREAM):
    print(x[4][0])'

# lookup NAME says its addresses of the family, and leaves the first of them in found.
lookup() {
	found= out=
	if have getent; then
		out=$(limit "$S" getent "ahostsv$F" "$1" 2>&1 </dev/null)
		say "$F" lookup getent $?
	elif have python3; then
		out=$(limit "$S" python3 -c "$in_python_names" "$F" "$1" 2>/dev/null </dev/null)
		say "$F" lookup python3 $?
	elif have nslookup; then
		type=a
		[ "$F" = 6 ] && type=aaaa
		out=$(limit "$S" nslookup "-type=$type" "$1" 2>&1 </dev/null)
		code=$?
		case $out in
		*SERVFAIL* | *REFUSED* | *"timed out"* | *"no servers"*) code=fails ;;
		esac
		say "$F" lookup nslookup "$code"
		case $out in
		*Name:*) out=${out#*Name:} ;;
		*) out= ;;
		esac
	fi
	for word in $out; do
		if fits "$word"; then
			say "$F" answer "$word"
			[ -n "$found" ] || found=$word
		fi
	done
}

# rung NUMBER HOST PORT, where port 0 is asked by an echo request. Where the image may not
# send one, that host refuses a connection tells as much.
rung() {
	if [ "$3" != 0 ]; then
		reach "rung$1" "$2" "$3" ""
		return
	fi
	ping=ping
	[ "$F" = 6 ] && have ping6 && ping=ping6
	if ! have "$ping"; then
		reach "rung$1" "$2" 80 ""
		return
	fi
	out=$(limit $((S + 1)) "$ping" -c 1 -W "$S" "$2" 2>&1 </dev/null)
	code=$?
	case $out in
	*ermission* | *"not permitted"* | *"aw socket"*)
		reach "rung$1" "$2" 80 ""
		return
		;;
	esac
	say "$F" "rung$1" ping "$code"
	printf '%s\n' "$out" | reasons "rung$1"
}

# router asks the next hop of the default route, where there is a program that tells it. A
# shell that is busybox has an ip of its own, which does not tell that a route has expired:
# one that is a file goes before it.
router() {
	for ip in /usr/sbin/ip /sbin/ip /usr/bin/ip /bin/ip ip; do
		have "$ip" && break
	done
	set -- $("$ip" "-$F" route show default 2>/dev/null </dev/null)
	case "$*" in
	*"expires -"*) say "$F" expired ;;
	esac
	[ "$2" = via ] || return
	via=$3
	case $via in
	fe80:*) [ "$4" = dev ] && via=$3%$5 ;;
	esac
	say "$F" rungR to 0 "$via" router
	rung R "$via" 0
}

# trail HOST: the first hops, and how large a packet may be.
trail() {
	if have tracepath; then
		limit $((S + S)) tracepath "-$F" -n -m 4 "$1" 2>/dev/null </dev/null
	elif [ "$F" = 6 ] && have traceroute6; then
		limit $((S + S)) traceroute6 -n -m 4 -q 1 -w 1 "$1" 2>/dev/null </dev/null
	elif have traceroute; then
		limit $((S + S)) traceroute "-$F" -n -m 4 -q 1 -w 1 "$1" 2>/dev/null </dev/null
	fi | while read -r line; do
		say "$F" path "$line"
	done
}

# target is the main question: the name, the connection, and a request that takes several
# packets. It is all in the header, so that no server can answer before it has them all.
target() {
	if [ -n "$name" ]; then
		if [ -n "$host" ] || have curl; then
			lookup "$name" &
		else
			lookup "$name"
			host=$found
		fi
	fi
	[ -n "$hops" ] && [ -n "$host$name" ] && trail "${host:-$name}" &
	end=
	[ "$port" != 0 ] && [ -n "$host$name" ] && reach main "$host" "$port" "$url"
	case $end in
	"" | 000,*) ;;
	*)
		pad=$(printf '%02000d' 0)
		[ -n "$url" ] && with_curl large "$url" -o /dev/null -H "X-Large-1: $pad" -H "X-Large-2: $pad" -H "X-Large-3: $pad" \
			${header:+-H} ${header:+"$header"} ${to:+--connect-to} ${to:+"$to"}
		;;
	esac
	wait
}

# proc says what the network namespace has: addresses, and default routes.
proc() {
	[ -r /proc/net/route ] && while read -r line; do
		set -- $line
		[ "$2" = 00000000 ] || [ "$1" = Iface ] && say 0 proc "$line"
	done </proc/net/route
	[ -r /proc/net/fib_trie ] && while read -r line; do
		case $line in
		'|-- '*) leaf=$line ;;
		'/32 host LOCAL') say 0 proc "$leaf" && say 0 proc "$line" ;;
		esac
	done </proc/net/fib_trie
	[ -r /proc/net/if_inet6 ] && while read -r line; do
		set -- $line
		[ "$4" = 00 ] && say 0 proc "$line"
	done </proc/net/if_inet6
	[ -r /proc/net/ipv6_route ] && while read -r line; do
		case $line in
		"00000000000000000000000000000000 00 "*) say 0 proc "$line" ;;
		esac
	done </proc/net/ipv6_route
	return 0
}
