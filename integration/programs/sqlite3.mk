# The shell, over the library with the features of Debian's. The build runs tclsh.
sqlite3_tarball = s/sqlite3/sqlite3_3.40.1.orig.tar.xz
sqlite3_sha256 = aaa776260ab4dc976db34aa7891819484c8676b5b2783123ebc6301e2ca5d655
sqlite3_features = $(addprefix -DSQLITE_,SECURE_DELETE ENABLE_COLUMN_METADATA ENABLE_FTS3 ENABLE_FTS3_PARENTHESIS \
	ENABLE_RTREE=1 SOUNDEX=1 ENABLE_UNLOCK_NOTIFY OMIT_LOOKASIDE=1 ENABLE_DBSTAT_VTAB ALLOW_ROWID_IN_VIEW \
	ENABLE_UPDATE_DELETE_LIMIT=1 ENABLE_LOAD_EXTENSION ENABLE_JSON1 LIKE_DOESNT_MATCH_BLOBS THREADSAFE=1 \
	ENABLE_FTS3_TOKENIZER=1 USE_URI=1 MAX_SCHEMA_RETRY=25 ENABLE_PREUPDATE_HOOK ENABLE_SESSION ENABLE_STMTVTAB \
	MAX_VARIABLE_NUMBER=250000)
sqlite3_configure = ./configure CC="$(tpcc)" CFLAGS="-O2 -fno-strict-aliasing $(sqlite3_features)" \
	--enable-threadsafe --enable-load-extension --enable-json --enable-fts4 --enable-fts5
sqlite3_build = $(sqlite3_configure) --disable-tcl --disable-readline && $(MAKE) sqlite3
