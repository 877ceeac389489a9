#!/usr/bin/env node
// Puts TLS in front of a plain server: node tls-front.js CERT KEY PORT, where
// PORT is the server's on loopback.  Prints its own port.
'use strict';
const fs = require('fs');
const net = require('net');
const tls = require('tls');
const [cert, key, port] = process.argv.slice(2);
const front = tls.createServer({ cert: fs.readFileSync(cert),
	key: fs.readFileSync(key) }, client => {
	const server = net.connect(+port, '127.0.0.1');
	const end = () => { client.destroy(); server.destroy(); };
	client.pipe(server).pipe(client);
	client.on('error', end).on('close', end);
	server.on('error', end).on('close', end);
});
front.on('tlsClientError', () => {});
front.listen(0, '127.0.0.1', () => console.log(front.address().port));
