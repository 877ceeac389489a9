#!/usr/bin/env node
// A make-believe S3 endpoint for benchmarks: its own cost hardly hides the
// client's, as a real server's does.  It holds KEYS keys with VERSIONS
// versions each under PREFIX in any bucket, remembers what was deleted, waits
// LATENCY_MS before each answer, and checks no signature.
//
//   KEYS=500000 VERSIONS=2 LATENCY_MS=20 PORT=9900 node tests/bench/s3stub.js
//
// Answers: version listings (prefix, key-marker, version-id-marker, max-keys,
// encoding-type=url), plain listings, batch and single deletes, HEAD, and the
// subresources that a plan asks for, each from the file of its name in the
// folder CONFIG when there is one (replication, logging, inventory).  PORT=0
// takes a free one.  GET /_stats gives {left, requests}; POST /_reset brings
// everything back.
'use strict';
const http = require('http');
const fs = require('fs');
const env = (name, fallback) => process.env[name] || fallback;
const KEYS = +env('KEYS', 100000);
const VERSIONS = +env('VERSIONS', 1);
const PREFIX = env('PREFIX', 'clients/7/');
const LATENCY = +env('LATENCY_MS', 0);
const PORT = +env('PORT', 9900);
const TREE = env('SHAPE', 'flat') === 'tree';
const ETAG = '"d41d8cd98f00b204e9800998ecf8427e"';
const DATE = '2026-01-02T03:04:05.000Z';

let gone = new Uint8Array(KEYS * VERSIONS);
let left = KEYS * VERSIONS;
let requests = 0;

function name(i) {
	const s = String(i).padStart(9, '0');
	return PREFIX + (TREE ? s.replace(/(...)(...)/, '$1/$2/') : s);
}
const version = (i, v) => `v${VERSIONS - v}-${i.toString(36)}`;

// The first index whose name is at least key (or, strictly, greater).
function seek(key, strictly) {
	let low = 0, high = KEYS;
	while (low < high) {
		const middle = (low + high) >>> 1, n = name(middle);
		if (strictly ? n <= key : n < key) low = middle + 1;
		else high = middle;
	}
	return low;
}
const encode = s => encodeURIComponent(s).replace(/%2F/g, '/');

function entry(key, i, v) {
	return `<Version><Key>${key}</Key><VersionId>${version(i, v)}` +
		`</VersionId><IsLatest>${v === 0}</IsLatest><LastModified>` +
		`${DATE}</LastModified><ETag>&quot;${ETAG.slice(1, -1)}&quot;` +
		'</ETag><Size>4096</Size><StorageClass>STANDARD' +
		'</StorageClass><Owner><ID>o</ID><DisplayName>o' +
		'</DisplayName></Owner></Version>';
}

function listing(q, versions) {
	const prefix = q.get('prefix') || '';
	const max = Math.min(1000, +(q.get('max-keys') || 1000));
	const key = q.get('key-marker') || q.get('continuation-token') ||
		q.get('start-after') || q.get('marker') || '';
	const id = q.get('version-id-marker');
	const write = q.get('encoding-type') === 'url' ? encode : s => s;
	let i = Math.max(seek(prefix, false), key ? seek(key, !id) : 0);
	let v = 0, n = 0, more = false, last = '', lastId = '', out = '';
	if (id) {
		while (v < VERSIONS && version(i, v) !== id) v++;
		v++;
	}
	const each = versions ? VERSIONS : 1;
	for (; i < KEYS && !more; i++, v = 0) {
		const now = name(i);
		if (!now.startsWith(prefix)) break;
		for (; v < each; v++) {
			if (gone[i * VERSIONS + v]) continue;
			if (n === max) { more = true; break; }
			out += versions ? entry(write(now), i, v)
				: `<Contents><Key>${write(now)}</Key><LastModified>` +
				  `${DATE}</LastModified><ETag>${ETAG}</ETag>` +
				  '<Size>4096</Size></Contents>';
			n++;
			last = now;
			lastId = version(i, v);
		}
	}
	const root = versions ? 'ListVersionsResult' : 'ListBucketResult';
	return `<${root}><EncodingType>url</EncodingType><KeyCount>${n}` +
		`</KeyCount><IsTruncated>${more}</IsTruncated>` +
		(more && !versions ? `<NextContinuationToken>${last}` +
			'</NextContinuationToken>' : '') +
		(more && versions ? `<NextKeyMarker>${write(last)}` +
			`</NextKeyMarker><NextVersionIdMarker>${lastId}` +
			'</NextVersionIdMarker>' : '') + out + `</${root}>`;
}

function drop(key, id) {
	const i = +key.slice(PREFIX.length).replace(/\//g, '');
	if (!(i >= 0 && i < KEYS) || name(i) !== key) return;
	for (let v = 0; v < VERSIONS; v++) {
		const at = i * VERSIONS + v;
		if (gone[at] || (id && version(i, v) !== id)) continue;
		gone[at] = 1;
		left--;
		return;
	}
}

function batch(body) {
	const each = /<Key>([^<]*)<\/Key>(?:<VersionId>([^<]*)<)?/g;
	for (let m; (m = each.exec(body)) !== null;) drop(m[1], m[2]);
	return '<DeleteResult/>';
}

const fixed = {
	versioning: '<VersioningConfiguration><Status>Enabled</Status>' +
		'</VersioningConfiguration>',
	uploads: '<ListMultipartUploadsResult><IsTruncated>false' +
		'</IsTruncated></ListMultipartUploadsResult>',
	logging: '<BucketLoggingStatus/>',
	inventory: '<ListInventoryConfigurationsResult/>',
	location: '<LocationConstraint/>',
};
const missing = {
	'object-lock': 'ObjectLockConfigurationNotFoundError',
	replication: 'ReplicationConfigurationNotFoundError',
	policy: 'NoSuchBucketPolicy',
	lifecycle: 'NoSuchLifecycleConfiguration',
};

function answer(req, res, body) {
	const url = new URL(req.url, 'http://x'), q = url.searchParams;
	const path = decodeURIComponent(url.pathname).slice(1);
	const key = path.includes('/') ? path.slice(path.indexOf('/') + 1) : '';
	const send = (status, text, headers) => {
		res.writeHead(status, { 'content-length':
			Buffer.byteLength(text), ...headers });
		res.end(req.method === 'HEAD' ? undefined : text);
	};
	if (path === '_stats') return send(200, JSON.stringify({ left, requests }));
	if (path === '_reset') {
		gone = new Uint8Array(KEYS * VERSIONS);
		left = KEYS * VERSIONS;
		requests = 0;
		return send(200, '{}');
	}
	requests++;
	if (req.method === 'POST' && q.has('delete')) return send(200, batch(body));
	if (req.method === 'DELETE' && key) {
		drop(key, q.get('versionId'));
		return send(204, '');
	}
	if (key) {
		const i = +key.slice(PREFIX.length).replace(/\//g, '');
		let there = false;
		for (let v = 0; i < KEYS && name(i) === key && v < VERSIONS; v++)
			there = there || (!gone[i * VERSIONS + v] &&
				(!q.has('versionId') ||
				 q.get('versionId') === version(i, v)));
		return there ? send(200, '', { etag: ETAG })
			: send(404, '<Error><Code>NoSuchKey</Code></Error>');
	}
	for (const what of q.keys()) {
		const file = `${env('CONFIG', '/nonexistent')}/${what}`;
		if (/^[a-z-]+$/.test(what) && fs.existsSync(file))
			return send(200, fs.readFileSync(file, 'utf8'));
	}
	for (const what of Object.keys(fixed))
		if (q.has(what)) return send(200, fixed[what]);
	for (const what of Object.keys(missing))
		if (q.has(what))
			return send(404, `<Error><Code>${missing[what]}</Code></Error>`);
	send(200, listing(q, q.has('versions')));
}

http.createServer({ keepAliveTimeout: 60000 }, (req, res) => {
	const parts = [];
	req.on('data', part => parts.push(part));
	req.on('end', () => setTimeout(answer, LATENCY, req, res,
		Buffer.concat(parts).toString()));
}).listen(PORT, '127.0.0.1', function () {
	console.log(`s3stub on 127.0.0.1:${this.address().port}: ${KEYS} ` +
		`keys, ${VERSIONS} versions each`);
});
