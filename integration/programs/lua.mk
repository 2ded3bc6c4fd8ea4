lua_tarball = l/lua5.4/lua5.4_5.4.4.orig.tar.gz
lua_sha256 = 164c7849653b80ae67bec4b7473b884bf5cc8d2dca05653475ec2ed27b9ebf61
lua_build = $(MAKE) -C src CC="$(tpcc) -std=gnu99" SYSCFLAGS=-DLUA_USE_POSIX MYLIBS= lua luac
