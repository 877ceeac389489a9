/*
 * Sources of a closeout file that are the same place, or are not.
 */
#include "tests/unit/unit.h"
#include "tests/unit/closeout_form.h"

#define DB "provider = \"sqlite\"; root = { table = \"c\"; column = \"id\"; };"
#define DIR "provider = \"directory\";"
#define FAKE "provider = \"fake\"; path = \"store.json\";"
#define S3 "provider = \"s3\"; bucket = \"box\";"
#define HERE "\n/*here*/ " /* the line that a refusal names */

struct two {
	const char *claim;
	const char *first, *second; /* sources without their names */
	const char *says;	    /* when they are refused */
};

static const char same[] = "source two is the same place as source one (line ";
static const char overlap[] = "source two overlaps with source one (line ";

static const struct two meeting[] = {
	{"one database", DB "path = \"a.db\";", DB HERE "path = \"a.db\";",
	 same},
	{"one database written twice", DB "path = \"a.db\";",
	 DB HERE "path = \".//tree/../a.db\";", same},
	{"a database and the client in its name", DB "path = \"7.db\";",
	 DB HERE "path = \"{client}.db\";", same},
	{"a database behind a link", DB "path = \"a.db\";",
	 DB HERE "path = \"soft.db\";", same},
	{"a database in a folder behind a link", DB "path = \"tree/b.db\";",
	 DB HERE "path = \"shelf/b.db\";", same},
	{"a database by a hard link", DB "path = \"a.db\";",
	 DB HERE "path = \"hard.db\";", same},
	{"a database that is not there", DB "path = \"none/a.db\";",
	 DB HERE "path = \"none/./a.db\";", same},
	{"one folder", DIR "path = \"tree/{client}\";",
	 DIR HERE "path = \"tree/{client}\";", same},
	{"a folder with a slash at its end", DIR "path = \"tree/{client}\";",
	 DIR HERE "path = \"tree/7//\";", same},
	{"a folder behind a link", DIR "path = \"tree/{client}\";",
	 DIR HERE "path = \"to{client}\";", same},
	{"a folder below the first", DIR "path = \"tree/{client}\";",
	 DIR HERE "path = \"tree/{client}/sub\";", overlap},
	{"a folder above the first", DIR "path = \"tree/{client}/sub\";",
	 DIR HERE "path = \"tree/{client}\";", overlap},
	{"a folder below, behind a link", DIR "path = \"tree/{client}\";",
	 DIR HERE "path = \"to{client}/sub\";", overlap},
	{"folders that are not there", DIR "path = \"none/{client}\";",
	 DIR HERE "path = \"none/x/../7/deep\";", overlap},
	{"a folder not there, behind a link", DIR "path = \"tree/8/{client}\";",
	 DIR HERE "path = \"shelf/8/{client}/x\";", overlap},
	/* its way would be cut, and the case not be read again */
	{"a folder that is reached through the first", DIR "path = \"hall\";",
	 DIR HERE "path = \"front/exit/{client}\";", overlap},
	{"a link inside the first", DIR "path = \"hall\";",
	 DIR HERE "path = \"hall/exit\";", overlap},
	{"one prefix", S3 "prefix = \"a/{client}/\";",
	 S3 HERE "prefix = \"a/7/\";", same},
	{"a prefix below the first", S3 "prefix = \"a/\";",
	 S3 HERE "prefix = \"a/{client}/\";", overlap},
	{"a prefix above the first", S3 "prefix = \"a/{client}/\";",
	 S3 HERE "prefix = \"a/\";", overlap},
	{"an open prefix that begins another",
	 S3 "prefix = \"a/{client}\"; prefix_open = true;",
	 S3 HERE "prefix = \"a/77/\";", overlap},
	{"a prefix and the whole bucket", S3 "prefix = \"a/\";",
	 "provider = \"s3\"; whole = true;" HERE "bucket = \"box\";", overlap},
	{"the whole bucket and a prefix", S3 "whole = true;",
	 S3 HERE "prefix = \"a/\";", overlap},
	{"the whole bucket twice", S3 "whole = true;",
	 "provider = \"s3\"; whole = true;" HERE "bucket = \"box\";", same},
	{"one endpoint", S3 "endpoint = \"https://s3.x:9\"; prefix = \"a/\";",
	 S3 "endpoint = \"https://s3.x:9\";" HERE "prefix = \"a/\";", same},
	{"one endpoint written in other letters",
	 S3 "endpoint = \"https://s3.x\"; prefix = \"a/\";",
	 S3 "endpoint = \"HTTPS://S3.X:443/\";" HERE "prefix = \"a/\";", same},
	{"one endpoint with and without TLS",
	 S3 "endpoint = \"https://s3.x\"; prefix = \"a/\";",
	 S3 "endpoint = \"http://s3.x:80\";" HERE "prefix = \"a/\";", same},
	{"AWS written and not written", S3 "prefix = \"a/\";",
	 S3 "endpoint = \"https://s3.eu-west-3.amazonaws.com\";" HERE
	    "prefix = \"a/\";",
	 "where they are two services, write the endpoint"},
	{"AWS in two regions: a bucket is in one of them",
	 S3 "region = \"eu-west-1\"; prefix = \"a/\";",
	 S3 "region = \"eu-west-3\";" HERE "prefix = \"a/\";", same},
	{"one rehearsal store", FAKE,
	 "provider = \"fake\";" HERE "path = \"./store.json\";", same},
	{"a rehearsal store and a part of it", FAKE,
	 FAKE HERE "prefix = \"a/\";", overlap},
	{"a part of a rehearsal store and a part of that",
	 FAKE "prefix = \"a/{client}/\";", FAKE HERE "prefix = \"a/7/b\";",
	 overlap},
};

static const struct two apart[] = {
	{"two databases", DB "path = \"a.db\";", DB "path = \"tree/b.db\";",
	 NULL},
	{"two databases that are not there", DB "path = \"x.db\";",
	 DB "path = \"x.db2\";", NULL},
	{"a database's name is no folder", DB "path = \"none\";",
	 DB "path = \"none/x\";", NULL},
	{"two folders side by side", DIR "path = \"tree/{client}\";",
	 DIR "path = \"tree/{client}7\";", NULL},
	{"two folders of which one is not there", DIR "path = \"tree/7\";",
	 DIR "path = \"tree/8\";", NULL},
	{"two folders behind links", DIR "path = \"shelf/{client}\";",
	 DIR "path = \"front/{client}\";", NULL},
	{"two prefixes side by side", S3 "prefix = \"a/{client}/\";",
	 S3 "prefix = \"a/77/\";", NULL},
	{"two buckets", S3 "whole = true;",
	 "provider = \"s3\"; bucket = \"box2\"; whole = true;", NULL},
	{"two endpoints", S3 "endpoint = \"https://s3.x\"; whole = true;",
	 S3 "endpoint = \"https://s3.y\"; whole = true;", NULL},
	{"two ports", S3 "endpoint = \"http://127.0.0.1:9000\"; whole = true;",
	 S3 "endpoint = \"http://127.0.0.1:9001\"; whole = true;", NULL},
	{"AWS and another", S3 "whole = true;",
	 S3 "endpoint = \"https://s3.amazonaws.com.evil.example\";"
	    "whole = true;",
	 NULL},
	{"two partitions of AWS", S3 "region = \"eu-west-3\"; whole = true;",
	 S3 "region = \"cn-north-1\"; whole = true;", NULL},
	{"two partitions of AWS by their hosts",
	 S3 "endpoint = \"https://s3.us-gov-west-1.amazonaws.com\";"
	    "whole = true;",
	 S3 "whole = true;", NULL},
	{"two parts of a rehearsal store", FAKE "prefix = \"a/\";",
	 FAKE "prefix = \"b/\";", NULL},
	{"two rehearsal stores", FAKE,
	 "provider = \"fake\"; path = \"store2.json\";", NULL},
	/* other kinds of place */
	{"a database and a folder", DB "path = \"a.db\";",
	 DIR "path = \"a.db\";", NULL},
	{"a database and a rehearsal store", DB "path = \"store.json\";", FAKE,
	 NULL},
};

/* The good file with one more source, or two. */
static void put_sources(char text[TEXT_MAX], const struct two *t, bool both)
{
	static char more[4000];

	snprintf(more, sizeof(more),
		 "category = \"uploads\"; },\n{ name = \"one\"; %s }%s%s%s",
		 t->first, both ? ",\n{ name = \"two\"; " : "",
		 both ? t->second : "", both ? " }" : "");
	CU_ASSERT_TRUE_FATAL(
		replace(text, good, "category = \"uploads\"; }", more));
}

static void good_alone(const struct two *t)
{
	static char text[TEXT_MAX];
	struct err e = ERR_INIT;
	struct closeout *c = NULL;

	put_sources(text, t, false);
	int rc = parse(&c, text, &e);
	if (rc != 0)
		printf("# %s: the first alone: %s\n", t->claim, e.msg);
	CU_ASSERT_EQUAL(rc, 0);
	closeout_free(c);
}

static void sources_that_meet_are_refused_with_both_lines(void)
{
	static char text[TEXT_MAX];
	struct err e = ERR_INIT;

	for (size_t i = 0; i < sizeof(meeting) / sizeof(*meeting); i++) {
		const struct two *t = &meeting[i];
		struct closeout *c = NULL;
		char begins[40], first[40];
		good_alone(t);
		put_sources(text, t, true);
		snprintf(begins, sizeof(begins),
			 "acme.cfg:%d: ", line_of(text, "/*here*/"));
		snprintf(first, sizeof(first), "source one (line %d)",
			 line_of(text, "{ name = \"one\""));
		int rc = parse(&c, text, &e);
		bool right = rc == -1 && e.code == ERR_USAGE && c == NULL &&
			     strncmp(e.msg, begins, strlen(begins)) == 0 &&
			     strstr(e.msg, t->says) != NULL &&
			     strstr(e.msg, first) != NULL;
		if (!right)
			printf("# %s: expected \"%s%s\", got %d \"%s\"\n",
			       t->claim, begins, t->says, rc, e.msg);
		CU_ASSERT_TRUE(right);
		closeout_free(c);
	}
}

static void sources_apart_are_accepted(void)
{
	static char text[TEXT_MAX];
	struct err e = ERR_INIT;

	for (size_t i = 0; i < sizeof(apart) / sizeof(*apart); i++) {
		struct closeout *c = NULL;
		put_sources(text, &apart[i], true);
		int rc = parse(&c, text, &e);
		if (rc != 0)
			printf("# %s: %s\n", apart[i].claim, e.msg);
		CU_ASSERT_EQUAL(rc, 0);
		if (rc == 0)
			CU_ASSERT_EQUAL(c->n_sources, 5);
		closeout_free(c);
	}
}

/* ---- the case's copy, after the destruction -------------------------------
 */

static void an_accepted_file_is_accepted_when_its_folders_are_gone(void)
{
	static char text[TEXT_MAX];
	/* The first holds a link; the second is named by another link. */
	static const struct two t = {"", DIR "path = \"gone/{client}\";",
				     DIR "path = \"way/{client}\";", NULL};
	struct err e = ERR_INIT;
	struct closeout *c = NULL;

	CU_ASSERT_EQUAL_FATAL(mkdir(keys_path("gone"), 0700), 0);
	CU_ASSERT_EQUAL_FATAL(mkdir(keys_path("gone/7"), 0700), 0);
	CU_ASSERT_EQUAL_FATAL(mkdir(keys_path("yard/7"), 0700), 0);
	CU_ASSERT_EQUAL_FATAL(symlink("../../yard", keys_path("gone/7/in")), 0);
	CU_ASSERT_EQUAL_FATAL(symlink("yard", keys_path("way")), 0);
	put_sources(text, &t, true);
	CU_ASSERT_EQUAL(parse(&c, text, &e), 0);
	closeout_free(c);
	const char *const steps[] = {"gone/7/in", "gone/7",    "yard/7", "gone",
				     "way",	  "yard/deep", "yard"};
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		CU_ASSERT_EQUAL(remove(keys_path("%s", steps[i])), 0);
		int rc = parse(&c, text, &e);
		if (rc != 0)
			printf("# without %s: %s\n", steps[i], e.msg);
		CU_ASSERT_EQUAL(rc, 0);
		closeout_free(c);
	}
}

/* ---- the parts ------------------------------------------------------------
 */

static void a_path_is_real_as_far_as_it_is_asked(void)
{
	static const struct {
		const char *path;
		size_t cut; /* behind the folder of the test */
		const char *is;
	} cases[] = {
		{"/shelf/b.db", 0, "/shelf/b.db"},
		{"/shelf/b.db", 6, "/tree/b.db"},
		{"/shelf/b.db", 11, "/tree/b.db"},
		{"/shelf//x/./y/", 6, "/tree/x/y"},
		{"/shelf/x/../../y", 6, "/y"},
		{"/shelf/7/..", 11, "/tree"},
		{"/./shelf/.b/..c", 0, "/shelf/.b/..c"},
		{"/none/b.db", 5, NULL},
		{"/a.db/b", 7, NULL},
	};
	char *here = realpath(keys_dir, NULL);
	size_t len = strlen(here);

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char path[600], is[600];
		snprintf(path, sizeof(path), "%s%s", here, cases[i].path);
		char *real = closeout_real(path, len + cases[i].cut);
		if (cases[i].is == NULL) {
			CU_ASSERT_PTR_NULL(real);
			free(real);
			continue;
		}
		snprintf(is, sizeof(is), "%s%s", here, cases[i].is);
		CU_ASSERT_PTR_NOT_NULL_FATAL(real);
		CU_ASSERT_STRING_EQUAL(real, is);
		free(real);
	}
	free(here);
	static const char *const roots[] = {"/", "//", "/..", "/a/../..", "/."};
	for (size_t i = 0; i < sizeof(roots) / sizeof(*roots); i++) {
		char *real = closeout_real(roots[i], 0);
		CU_ASSERT_STRING_EQUAL(real, "/");
		free(real);
	}
}

static void inside_ends_at_a_slash(void)
{
	CU_ASSERT_TRUE(closeout_inside("/a/b", "/a"));
	CU_ASSERT_TRUE(closeout_inside("/a", "/a"));
	CU_ASSERT_TRUE(closeout_inside("/a", "/"));
	CU_ASSERT_FALSE(closeout_inside("/ab", "/a"));
	CU_ASSERT_FALSE(closeout_inside("/", "/a"));
}

static void set_up_places(void)
{
	static const char *const folders[] = {"tree", "tree/7", "tree/7/sub",
					      "hall", "yard",	"yard/deep"};
	static const char *const links[][2] = {{"a.db", "soft.db"},
					       {"tree", "shelf"},
					       {"tree/7", "to7"},
					       {"hall", "front"},
					       {"../yard", "hall/exit"}};

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		if (mkdir(keys_path("%s", folders[i]), 0700) != 0)
			exit(2);
	keys_put(keys_path("a.db"), "a", 1);
	keys_put(keys_path("tree/b.db"), "b", 1);
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++)
		if (symlink(links[i][0], keys_path("%s", links[i][1])) != 0)
			exit(2);
	if (link(keys_path("a.db"), keys_path("hard.db")) != 0)
		exit(2);
}

int main(void)
{
	static const struct unit_test tests[] = {
		UNIT(sources_that_meet_are_refused_with_both_lines),
		UNIT(sources_apart_are_accepted),
		UNIT(a_path_is_real_as_far_as_it_is_asked),
		UNIT(inside_ends_at_a_slash),
		UNIT(an_accepted_file_is_accepted_when_its_folders_are_gone),
		{NULL, NULL}};

	set_up();
	set_up_places();
	int rc = unit_run("closeout_places", tests);
	keys_stop();
	return rc;
}
