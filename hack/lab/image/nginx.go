package image

import "path/filepath"

// nginxConfig and nginxServer are short forms of those in the image that nginx's
// makers publish, after its first start has put the second address into it.
const nginxConfig = `user nginx;
worker_processes auto;
error_log /var/log/nginx/error.log notice;
pid /run/nginx.pid;

events {
    worker_connections 1024;
}

http {
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    access_log /var/log/nginx/access.log;
    sendfile on;
    keepalive_timeout 65;
    include /etc/nginx/conf.d/*.conf;
}
`

const nginxServer = `server {
    listen 80;
    listen [::]:80;
    server_name localhost;

    location / {
        root /usr/share/nginx/html;
        index index.html;
    }
}
`

// nginx is the layer of the server, from where its packages are unpacked.
func nginx(unpacked string, below ...*Layer) *Layer {
	l := newLayer()
	l.program("usr/sbin/nginx", filepath.Join(unpacked, "usr/sbin/nginx"), below...)
	for _, name := range []string{"etc/nginx/mime.types", "usr/share/nginx/html/index.html"} {
		l.copy(name, filepath.Join(unpacked, name))
	}
	l.write("etc/nginx/nginx.conf", nginxConfig)
	l.write("etc/nginx/conf.d/default.conf", nginxServer)
	l.link("var/log/nginx/access.log", "/dev/stdout")
	l.link("var/log/nginx/error.log", "/dev/stderr")
	l.dir("var/lib/nginx", 0o755)
	return l
}
