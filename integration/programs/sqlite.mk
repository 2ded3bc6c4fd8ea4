sqlite_tarball = s/sqlite3/sqlite3_3.40.1.orig.tar.xz
sqlite_sha256 = aaa776260ab4dc976db34aa7891819484c8676b5b2783123ebc6301e2ca5d655
sqlite_build = ./configure CC=$(tpcc) && $(MAKE) sqlite3
