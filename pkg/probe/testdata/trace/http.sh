say 0 start
proc
(
	F=4 S=3 port=80
	host='203.0.113.80'
	name='ifconfig.example'
	scheme='http'
	path='/'
	url='http://203.0.113.80:80/'
	header='Host: ifconfig.example'
	to=''
	hops='yes'
	say "$F" target "$port" "$host"
	say "$F" rung0 to 10250 '192.168.16.22' 'own node'
	rung 0 '192.168.16.22' 10250 &
	say "$F" rung1 to 0 '192.168.16.1' 'router'
	rung 1 '192.168.16.1' 0 &
	target
) &
(
	F=6 S=5 port=80
	host='2001:db8:ffff::80'
	name='ifconfig.example'
	scheme='http'
	path='/a%20b?c=$(d)'
	url='http://[2001:db8:ffff::80]:80/a%20b?c=$(d)'
	header='Host: ifconfig.example'
	to=''
	hops=''
	say "$F" target "$port" "$host"
	say "$F" rung0 to 10250 '2001:db8:7653:216::22' 'it'\''s near'
	rung 0 '2001:db8:7653:216::22' 10250 &
	target
) &
wait
say 0 end
