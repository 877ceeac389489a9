#!/bin/sh
# estate.sh DIR: makes a small, lifelike estate in DIR: what a vendor of a
# customer service tool might hold when its client number 7, Acme, leaves.
# No server is needed.
#
#   app.db        SQLite, write-ahead log, four clients, full-text index
#   attachments/  a folder of files for each client (7, and 77 as a trap)
#   *.pem *.key   certificates and keys of the people who act
#   instruction.txt, acme.cfg
#
# Every text of a client holds a word that nobody else uses: acmeorder0001 and
# so on for client 7, boltorder0001 for 77.
set -eu
[ $# = 1 ] || { echo "usage: estate.sh DIR" >&2; exit 2; }
umask 077
mkdir -p "$1"
cd "$1"

# ---- people ------------------------------------------------------------------

person() { # FILE NAME
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout "$1.key" -out "$1.pem" -subj "/CN=$2" -days 3650 \
		2>openssl.err || { cat openssl.err >&2; exit 1; }
	rm -f openssl.err
}
person processor "Example Self-Care SAS"
person alice "Alice Martin, operations"
person bob "Bob Leroy, data protection"
person controller "Acme SAS"

cat >instruction.txt <<'END'
Acme SAS to Example Self-Care SAS, 20 January 2026

Our subscription SUB-2021-0042 ends on 31 January 2026. Under Article 28(3)(g)
of the GDPR we choose deletion: destroy all personal data of our account and
send us the certificate.
                                        The data protection officer of Acme SAS
END

# ---- the application's database ------------------------------------------------

rows() { # CLIENT NAME WORD CONVERSATIONS: one client's rows, as SQL
	awk -v c="$1" -v name="$2" -v word="$3" -v n="$4" 'BEGIN {
	base = c * 10000
	printf "INSERT INTO client VALUES(%d,\047%s\047);\n", c, name
	printf "INSERT INTO account VALUES(%d,%d,\047support\047);\n", base, c
	# a manager, and two who answer to her
	for (i = 0; i < 3; i++)
		printf "INSERT INTO employee VALUES(%d,%d,\047%s.agent%d\047,\047agent%d@%s.example\047,%s);\n", base + i, c, word, i, i, word, i ? base : "NULL"
	for (i = 1; i <= n; i++) {
		mark = sprintf("%s%04d", word, i)
		printf "INSERT INTO visitor VALUES(%d,%d,\047Visitor %s\047,\047%s@mail.example\047);\n", base + i, c, mark, mark
		printf "INSERT INTO conversation VALUES(%d,%d,%d,%d);\n", c, i, base + i, base + i % 3
		for (m = 1; m <= 4; m++)
			printf "INSERT INTO message(client_id,conversation_number,author,body) VALUES(%d,%d,\047%s\047,\047%s %s, message %d of our talk about it.\047);\n", c, i, m % 2 ? "visitor" : "agent", m % 2 ? "Hello, my parcel" : "We look into", mark, m
		if (i % 2)
			printf "INSERT INTO satisfaction(client_id,conversation_number,score,comment) VALUES(%d,%d,%d,\047about %s: thank you\047);\n", c, i, i % 5 + 1, mark
		printf "INSERT INTO access_log(client_ref,ip,page) VALUES(%d,\047192.0.2.%d\047,\047/order/%s\047);\n", c, i % 250, mark
	}
	for (i = 1; i <= 3; i++)
		printf "INSERT INTO invoice VALUES(%d,%d,\0472025-%02d-01\047,%d);\n", base + i, base, i * 3, 49000 + i
	}'
}

{
	cat <<'END'
PRAGMA journal_mode = WAL;
PRAGMA secure_delete = OFF;
.dbconfig no_ckpt_on_close on
BEGIN;
CREATE TABLE client(id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE account(id INTEGER PRIMARY KEY,
	client_id INTEGER NOT NULL REFERENCES client, product TEXT);
CREATE TABLE employee(id INTEGER PRIMARY KEY,
	client_id INTEGER NOT NULL REFERENCES client,
	login TEXT UNIQUE, mail TEXT, manager_id INTEGER REFERENCES employee);
CREATE TABLE visitor(id INTEGER PRIMARY KEY,
	client_id INTEGER NOT NULL REFERENCES client, name TEXT, mail TEXT);
CREATE TABLE conversation(client_id INTEGER NOT NULL REFERENCES client,
	number INTEGER NOT NULL, visitor_id INTEGER REFERENCES visitor,
	employee_id INTEGER REFERENCES employee,
	PRIMARY KEY(client_id, number)) WITHOUT ROWID;
CREATE TABLE message(id INTEGER PRIMARY KEY, client_id INTEGER NOT NULL,
	conversation_number INTEGER NOT NULL, author TEXT, body TEXT,
	FOREIGN KEY(client_id, conversation_number)
		REFERENCES conversation(client_id, number));
CREATE TABLE satisfaction(id INTEGER PRIMARY KEY, client_id INTEGER NOT NULL,
	conversation_number INTEGER NOT NULL, score INTEGER, comment TEXT,
	FOREIGN KEY(client_id, conversation_number)
		REFERENCES conversation(client_id, number));
CREATE TABLE invoice(id INTEGER PRIMARY KEY,
	account_id INTEGER NOT NULL REFERENCES account, issued TEXT,
	cents INTEGER);
-- no foreign key leads here: the closeout file selects it by a condition
CREATE TABLE access_log(client_ref INTEGER, ip TEXT, page TEXT);
CREATE INDEX message_of ON message(client_id, conversation_number);
CREATE INDEX satisfaction_of ON satisfaction(client_id, conversation_number);
-- full-text search over the messages, kept up to date by triggers
CREATE VIRTUAL TABLE message_search USING fts5(body,
	content = 'message', content_rowid = 'id');
CREATE TRIGGER message_new AFTER INSERT ON message BEGIN
	INSERT INTO message_search(rowid, body) VALUES(new.id, new.body);
END;
CREATE TRIGGER message_gone AFTER DELETE ON message BEGIN
	INSERT INTO message_search(message_search, rowid, body)
		VALUES('delete', old.id, old.body);
END;
END
	rows 7 "Acme SAS" acmeorder 60
	rows 77 "Bolt GmbH" boltorder 60
	rows 8 "Cork Lda" corkorder 40
	rows 9 "Dune BV" duneorder 40
	cat <<'END'
COMMIT;
-- messages that somebody deleted last year, with a plain DELETE: no query
-- finds them, and their bytes are still in the file
BEGIN;
DELETE FROM message WHERE conversation_number % 10 = 3;
COMMIT;
ANALYZE;
END
} >app.sql
sqlite3 -bail app.db <app.sql >/dev/null
rm -f app.sql

# ---- attachments ---------------------------------------------------------------

for client in 7:acme 77:bolt 8:cork; do
	folder=attachments/${client%:*}
	word=${client#*:}order
	mkdir -p "$folder/2024" "$folder/2025/scans"
	echo "Contract of ${word}0001, signed" >"$folder/contract.txt"
	echo "Photo of the parcel ${word}0002" >"$folder/2024/parcel.jpg"
	echo "Complaint of ${word}0003" >"$folder/2025/complaint.pdf"
	echo "Identity card, ${word}0004" >"$folder/2025/scans/card.png"
	ln "$folder/contract.txt" "$folder/2025/contract (copy).txt"
done

# ---- the closeout file -----------------------------------------------------------

cat >acme.cfg <<'END'
closeout = {
  id = "acme-2026-01";
  client = "7";
  contract = {
    reference = "SUB-2021-0042";
    ended = "2026-01-31";
    clause = "Appendix 1, section 9";
  };
  controller = {
    name = "Acme SAS";
    address = "1 rue Exemple, 75001 Paris, FR";
    contact = "privacy@acme.example";
    certificate = "controller.pem";     # gets the inventory, encrypted
  };
  processor = {
    name = "Example Self-Care SAS";
    address = "2 rue Exemple, 75002 Paris, FR";
    contact = "privacy@self-care.example";
    dpo = "dpo@self-care.example";
  };
  instruction = {
    choice = "destroy";
    by = "data protection officer";
    received = "2026-01-20";
    document = "instruction.txt";
  };
  not_before = "2026-02-28T00:00:00Z";  # end of the retrieval period
  approvals = { required = 2; approvers = [ "alice.pem", "bob.pem" ]; };
};

sources = (
  { name = "app";
    provider = "sqlite";
    path = "app.db";
    root = { table = "client"; column = "id"; };
    tables = ( { table = "access_log"; where = "client_ref = :client";
                 category = "browsing data"; } );
    category = "accounts, conversations and messages"; },
  { name = "attachments";
    provider = "directory";
    path = "attachments/{client}";
    category = "files sent by visitors"; }
);

retention = (
  { name = "invoices";
    source = "app";
    table = "invoice";
    where = "account_id IN (SELECT id FROM account WHERE client_id = :client)";
    parents = "retain";
    ground = "Code de commerce, art. L123-22 (10 years)";
    until = "2035-12-31"; }
);

signing = { certificate = "processor.pem"; key = "processor.key"; };
trail   = { directory = "trail"; key = "trail.key"; };
cases   = "cases";
END
