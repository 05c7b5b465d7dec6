say 0 start
proc
(
	F=4 S=3 port=5432
	host=''
	name='x'\''; reboot#'
	scheme=''
	path='/'
	url='telnet://x'\''; reboot#:5432'
	header=''
	to=''
	hops=''
	say "$F" target "$port" "$host"
	target
) &
wait
say 0 end
