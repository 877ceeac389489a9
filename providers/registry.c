/* registry.c: which providers this build has.  The Makefile defines
 * WITH_<NAME> for each whose libraries were found. */
#include "providers/provider.h"

#include <string.h>

extern const struct provider provider_directory;
extern const struct provider provider_fake;
#ifdef WITH_SQLITE
extern const struct provider provider_sqlite;
#endif
#ifdef WITH_S3
extern const struct provider provider_s3;
#endif

static const struct provider *const providers[] = {
	&provider_directory,
#ifdef WITH_SQLITE
	&provider_sqlite,
#endif
#ifdef WITH_S3
	&provider_s3,
#endif
	&provider_fake,	     NULL,
};

static const char *const missing[] = {
#ifndef WITH_SQLITE
	"sqlite: built without the SQLite library (libsqlite3-dev)",
#endif
#ifndef WITH_S3
	"s3: built without libcurl or expat (libcurl4-openssl-dev, "
	"libexpat1-dev)",
#endif
	NULL,
};

const struct provider *const *provider_list(void)
{
	return providers;
}

const struct provider *provider_find(const char *name)
{
	for (const struct provider *const *p = providers; *p != NULL; p++)
		if (strcmp((*p)->name, name) == 0)
			return *p;
	return NULL;
}

const char *const *provider_missing(void)
{
	return missing;
}
