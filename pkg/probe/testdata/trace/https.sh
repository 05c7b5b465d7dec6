say 0 start
proc
(
	F=6 S=3 port=443
	host='2001:db8:ffff::80'
	name='example.com'
	scheme='https'
	path='/'
	url='https://example.com:443/'
	header=''
	to='::[2001:db8:ffff::80]:443'
	hops=''
	say "$F" target "$port" "$host"
	target
) &
wait
say 0 end
