# For the suite of SQLite, which is written in Tcl.
tcl_tarball = t/tcl8.6/tcl8.6_8.6.13+dfsg.orig.tar.gz
tcl_sha256 = 83bce7277e3825df0179567e0d8a431ebb1a126df53ea4a94af89dd4dd0f26d5
tcl_build = cd unix && ./configure CC="$(tpcc)" --disable-shared --prefix=$(OUT)/tcl/installed && \
	$(MAKE) install-binaries install-libraries install-headers
