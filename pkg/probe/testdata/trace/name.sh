say 0 start
proc
(
	F=6 S=3 port=8443
	host=''
	name='example.com'
	scheme='https'
	path='/'
	url='https://example.com:8443/'
	header=''
	to=''
	hops=''
	say "$F" target "$port" "$host"
	target
) &
wait
say 0 end
