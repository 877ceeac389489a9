#!/bin/sh
# estate.sh DIR [SCALE]: a small but lifelike estate of a vendor of customer
# chats, made in DIR, which may be there but empty:
#
#   app.db        SQLite, WAL mode: four clients with accounts, employees and
#                 their logins, visitors, conversations, messages (with a
#                 full-text index), satisfaction answers, invoices, access log
#   files/ID/     attachments of each client
#   *.pem *.key   processor, alice and bob (approvers), controller
#   acme.cfg      the closeout of client 7, "Acme SAS"
#
# SCALE (1) multiplies the conversations: 300 of client 7 with about six
# messages each.  What belongs to client N is recognisable in raw bytes by the
# domain of its visitors: acme-visitors, globex-visitors, initech-visitors and,
# for client 77, whose number begins with Acme's, hostile-visitors.
set -eu
dir=${1:?usage: estate.sh DIR [SCALE]}
scale=${2:-1}
tests=$(cd "$(dirname "$0")/.." && pwd)
umask 077
mkdir -p "$dir"
cd "$dir"
[ -z "$(ls -A)" ] || { echo "estate.sh: $dir is not empty" >&2; exit 1; }

sh "$tests/people" . processor alice bob controller

sqlite3 -bail app.db >/dev/null <<END
PRAGMA journal_mode = WAL;
PRAGMA foreign_keys = ON;
PRAGMA secure_delete = OFF;
BEGIN;
CREATE TABLE client (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  address TEXT NOT NULL,
  domain TEXT NOT NULL UNIQUE,
  signed TEXT NOT NULL);
CREATE TABLE account (
  client_id INTEGER NOT NULL REFERENCES client (id),
  number TEXT NOT NULL,
  currency TEXT NOT NULL,
  PRIMARY KEY (client_id, number)) WITHOUT ROWID;
CREATE TABLE employee (
  id INTEGER PRIMARY KEY,
  client_id INTEGER NOT NULL REFERENCES client (id),
  manager_id INTEGER REFERENCES employee (id),
  name TEXT NOT NULL,
  email TEXT NOT NULL UNIQUE);
CREATE TABLE login (
  id INTEGER PRIMARY KEY,
  employee_id INTEGER NOT NULL REFERENCES employee (id) ON DELETE CASCADE,
  at TEXT NOT NULL,
  address TEXT NOT NULL);
CREATE TABLE visitor (
  id INTEGER PRIMARY KEY,
  client_id INTEGER NOT NULL REFERENCES client (id),
  name TEXT NOT NULL,
  email TEXT NOT NULL);
CREATE TABLE conversation (
  id INTEGER PRIMARY KEY,
  visitor_id INTEGER NOT NULL REFERENCES visitor (id),
  employee_id INTEGER REFERENCES employee (id) ON DELETE SET NULL,
  opened TEXT NOT NULL);
CREATE TABLE message (
  id INTEGER PRIMARY KEY,
  conversation_id INTEGER NOT NULL REFERENCES conversation (id),
  sent TEXT NOT NULL,
  body TEXT NOT NULL);
CREATE TABLE satisfaction (
  conversation_id INTEGER PRIMARY KEY REFERENCES conversation (id),
  score INTEGER NOT NULL CHECK (score BETWEEN 1 AND 5),
  comment TEXT);
CREATE TABLE invoice (
  id INTEGER PRIMARY KEY,
  client_id INTEGER NOT NULL,
  account_number TEXT NOT NULL,
  month TEXT NOT NULL,
  cents INTEGER NOT NULL,
  FOREIGN KEY (client_id, account_number) REFERENCES account (client_id, number));
-- no foreign key: the web server writes it
CREATE TABLE access_log (
  id INTEGER PRIMARY KEY,
  client_ref TEXT NOT NULL,
  at TEXT NOT NULL,
  request TEXT NOT NULL);
CREATE TABLE usage_by_day (
  client_id INTEGER NOT NULL,
  day TEXT NOT NULL,
  conversations INTEGER NOT NULL,
  PRIMARY KEY (client_id, day));
CREATE VIRTUAL TABLE message_search USING fts5 (body, content='message', content_rowid='id');
CREATE VIEW open_conversation AS SELECT * FROM conversation WHERE employee_id IS NULL;
CREATE INDEX visitor_client ON visitor (client_id);
CREATE INDEX conversation_visitor ON conversation (visitor_id);
CREATE INDEX message_conversation ON message (conversation_id);

INSERT INTO client VALUES
  (3, 'Globex GmbH', 'Beispielweg 1, 10115 Berlin, DE', 'globex', '2019-03-01'),
  (7, 'Acme SAS', '1 rue Exemple, 75001 Paris, FR', 'acme', '2021-04-12'),
  (12, 'Initech BV', 'Voorbeeldstraat 1, 1012 Amsterdam, NL', 'initech', '2022-09-30'),
  (77, 'Hostile Neighbour SRL', 'Via Esempio 1, 00184 Roma, IT', 'hostile', '2023-01-15');
INSERT INTO account SELECT id, printf('A-%04d', id), 'EUR' FROM client;
INSERT INTO account VALUES (7, 'A-0007-B', 'EUR');
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6)
INSERT INTO employee SELECT c.id * 100 + i, c.id, NULL,
  printf('%s Agent %d', c.domain, i), printf('agent%d@%s-visitors.example', i, c.domain)
  FROM client c, n;
UPDATE employee SET manager_id = client_id * 100 + 1 WHERE id % 100 <> 1;
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 19)
INSERT INTO login (employee_id, at, address) SELECT e.id,
  datetime('2026-06-01', '+' || (i * 17 + e.id) || ' hours'),
  printf('192.0.2.%d', (e.id * 7 + i) % 250) FROM employee e, n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120 * $scale)
INSERT INTO visitor (client_id, name, email) SELECT c.id,
  printf('%s %s', substr('NoraPaulLinaOmarYaraHugoRosaIvan', (i % 8) * 4 + 1, 4),
    substr('PetitGrantRossiDuponMeierNovak', (i / 8 % 6) * 5 + 1, 5)),
  printf('v%06d@%s-visitors.example', i, c.domain) FROM client c, n;
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 2)
INSERT INTO conversation (visitor_id, employee_id, opened)
  SELECT v.id, CASE WHEN (v.id + i) % 9 = 0 THEN NULL ELSE v.client_id * 100 + 1 + (v.id + i) % 6 END,
    datetime('2026-06-01', '+' || (v.id * 31 + i * 700) || ' minutes')
  FROM visitor v, n WHERE (v.id + i) % 6 <> 0;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6)
INSERT INTO message (conversation_id, sent, body)
  SELECT k.id, datetime(k.opened, '+' || i || ' minutes'), CASE i % 3
    WHEN 1 THEN printf('Hello, this is %s, you can write to me at %s about order %d.', v.name, v.email, k.id * 10 + i)
    WHEN 2 THEN printf('Thank you %s. Our agent will look into it at once.', v.name)
    ELSE printf('Is it settled? Answer to %s please; my number is +33 1 99 00 %02d %02d.', v.email, k.id % 100, i) END
  FROM conversation k JOIN visitor v ON v.id = k.visitor_id, n;
INSERT INTO satisfaction SELECT k.id, 1 + k.id % 5,
  CASE WHEN k.id % 4 = 0 THEN 'Answered by ' || v.email END
  FROM conversation k JOIN visitor v ON v.id = k.visitor_id WHERE k.id % 2 = 0;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12)
INSERT INTO invoice (client_id, account_number, month, cents)
  SELECT a.client_id, a.number, printf('2026-%02d', i), 9900 + a.client_id * 100 + i FROM account a, n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200 * $scale)
INSERT INTO access_log (client_ref, at, request)
  SELECT c.id, datetime('2026-06-01', '+' || (i * 13) || ' minutes'),
    printf('GET /chat?mail=v%06d@%s-visitors.example', i, c.domain) FROM client c, n;
INSERT INTO usage_by_day SELECT v.client_id, date(k.opened), count(*)
  FROM conversation k JOIN visitor v ON v.id = k.visitor_id GROUP BY 1, 2;
INSERT INTO message_search (message_search) VALUES ('rebuild');
CREATE TRIGGER message_new AFTER INSERT ON message BEGIN
  INSERT INTO message_search (rowid, body) VALUES (new.id, new.body);
END;
CREATE TRIGGER message_gone AFTER DELETE ON message BEGIN
  INSERT INTO message_search (message_search, rowid, body) VALUES ('delete', old.id, old.body);
END;
COMMIT;
-- messages that somebody deleted long ago: no query finds them any more, and
-- their bytes are still in the file
DELETE FROM message WHERE conversation_id % 10 = 3;
ANALYZE;
PRAGMA wal_checkpoint(TRUNCATE);
-- some of it only in the write-ahead log, as in a database that is in use
PRAGMA wal_autocheckpoint = 0;
INSERT INTO access_log (client_ref, at, request)
  SELECT id, '2026-11-30 18:00:00', 'GET /logout?mail=last@' || domain || '-visitors.example' FROM client;
.filectrl persist_wal 1
END

for client in 3:globex 7:acme 12:initech 77:hostile; do
	id=${client%:*} domain=${client#*:}
	mkdir -p "files/$id/2025/chat" "files/$id/2026/chat" "files/$id/avatars"
	for n in 01 02 03 04 05 06 07 08; do
		printf 'attachment %s sent by v0000%s@%s-visitors.example\n' \
			"$n" "$n" "$domain" >"files/$id/2026/chat/$n attachment.txt"
	done
	printf '%s-visitors.example, signed order form\n' "$domain" \
		>"files/$id/2025/chat/bon de commande signé.pdf"
	yes "$domain-visitors.example;order;4200" | head -c 200000 >"files/$id/2025/export.csv"
	printf 'picture of an agent of %s\n' "$domain" >"files/$id/avatars/agent1.png"
	ln "files/$id/avatars/agent1.png" "files/$id/avatars/default.png"
	ln -s "../../$id/2025/export.csv" "files/$id/2026/export.csv"
done

cat >instruction.txt <<'END'
To Example Self-Care SAS.  Our subscription SUB-2021-0042 has ended.  Under
Art. 28(3)(g) GDPR and Appendix 1, section 9, we choose the deletion of all
personal data.  The data protection officer of Acme SAS, 20 January 2026.
END

cat >acme.cfg <<'END'
# The closeout of client 7, Acme SAS.  See quietus-closeout(5).
closeout = {
  id = "acme-2026-01";
  client = "7";
  contract    = { reference = "SUB-2021-0042"; ended = "2026-01-31"; clause = "Appendix 1, section 9"; };
  controller  = { name = "Acme SAS"; address = "1 rue Exemple, 75001 Paris, FR"; contact = "privacy@acme.example";
                  certificate = "controller.pem"; };
  processor   = { name = "Example Self-Care SAS"; address = "2 rue Exemple, 75002 Paris, FR";
                  contact = "operations@self-care.example"; dpo = "dpo@self-care.example"; };
  instruction = { choice = "destroy"; by = "data protection officer"; received = "2026-01-20"; document = "instruction.txt"; };
  not_before  = "2026-03-02T00:00:00Z";
  approvals   = { required = 2; approvers = [ "alice.pem", "bob.pem" ]; };
};
sources = (
  { name = "app"; provider = "sqlite"; path = "app.db"; category = "accounts, conversations, access log";
    root = { table = "client"; column = "id"; };
    tables = ( { table = "access_log"; where = "client_ref = :client"; category = "browsing data"; } );
    excluded = ( { table = "usage_by_day"; reason = "counts per day, no personal data"; } ); },
  { name = "files"; provider = "directory"; path = "files/{client}"; category = "attachments"; }
);
retention = (
  { name = "invoices"; source = "app"; table = "invoice"; where = "client_id = :client"; parents = "retain";
    ground = "Code de commerce, art. L123-22 (10 years)"; until = "2036-12-31"; }
);
signing = { certificate = "processor.pem"; key = "processor.key"; };
trail   = { directory = "trail"; key = "trail.key"; };
cases   = "cases";
END
