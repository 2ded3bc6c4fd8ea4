# What SQLite tests itself with, over the library as it is by default. The build
# runs tclsh.
sqlite3-suite_tarball = $(sqlite3_tarball)
sqlite3-suite_sha256 = $(sqlite3_sha256)
sqlite3-suite_build = ./configure CC="$(tpcc)" CFLAGS="-O2 -I$(OUT)/zlib" LDFLAGS=-L$(OUT)/zlib \
	--with-tcl=$(OUT)/tcl/installed/lib --disable-readline && \
	$(MAKE) fuzzcheck testfixture
$(OUT)/sqlite3-suite.built: $(OUT)/tcl.built $(OUT)/zlib.built
