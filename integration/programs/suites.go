package main

// A suite is what a program has to test itself.
type suite struct {
	program string   // the folder in which it was built
	command string   // for a shell in that folder
	passed  []string // regular expressions: lines that it prints if all is well
	slow    bool     // it takes minutes

	// The part of command for the other kinds of run, if they would take hours.
	part string

	// For a suite that says of each test in a line whether it has passed: what
	// such lines begin with, how many there must be, and which tests may fail.
	pass, fail string
	tests      int
	mayFail    []string
}

// denied runs a command as a user who may not read and write all files.
const denied = "setpriv --bounding-set -dac_override,-dac_read_search "

var suites = []suite{
	{
		program: "zlib",
		command: "make test && ./infcover",
		passed:  []string{`\*\*\* zlib test OK \*\*\*`, `\*\*\* zlib 64-bit test OK \*\*\*`},
	},
	{
		program: "bzip2",
		command: "make test",
		passed:  []string{`^Doing 6 tests`, `you're in business`},
	},
	{
		// Under emulation the program is a script, which has no stack to look at.
		program: "zstd",
		command: "cd tests && sed -i '/has executable stack!/d' playTests.sh && ./poolTests && ./fuzzer -v -T60s && ./zstreamtest -v -T60s && " +
			"ZSTD_BIN=../programs/zstd DATAGEN_BIN=./datagen ./playTests.sh",
		passed: []string{`PASS: all POOL tests`, `[1-9]\d* fuzzer tests completed`, `^===> +zstd asyncio tests`, `^Skipping large data tests`},
		slow:   true,
	},
	{
		// musl takes any name of a locale.
		program: "pcre2",
		command: `sed -i '/Failed to set locale badlocale/{N;s/.*/RC=1/}' testdata/grepoutput && make check`,
		passed:  []string{`^# TOTAL: +3$`, `^# PASS: +3$`},
		slow:    true,
	},
	{
		program: "busybox",
		command: "cd testsuite && SKIP_KNOWN_BUGS=1 SKIP_INTERNET_TESTS=1 ./runtest; true",
		pass:    "PASS: ",
		fail:    "FAIL: ",
		tests:   860,
		mayFail: []string{
			"awk printf('%c') can output NUL", // the expected output is right only if the shell that runs the test is bash
			"date-timezone",                   // musl's strptime has no %z
			"mount -o remount,mand",           // kernels have no mandatory locks since 5.15
		},
		slow: true,
	},
	{
		// One client at a time, as for Debian's package: the tests for more have races.
		program: "redis",
		command: `unshare --net sh -c "ip link set lo up && ./runtest --clients 1"`,
		passed:  []string{`All tests passed without errors!`},
		slow:    true,
	},
	{
		// Tests want to be denied what is not theirs.
		program: "sqlite3-suite",
		command: "./fuzzcheck test/fuzzdata*.db && " + denied + "./testfixture test/veryquick.test",
		part: "./fuzzcheck test/fuzzdata[468].db && " + denied +
			"./testfixture test/permutations.test veryquick select% join% index% trigger% where% window% json% trans% savepoint%",
		passed: []string{`^fuzzcheck: 0 errors out of \d+ tests`, `^0 errors out of \d+ tests`},
		slow:   true,
	},
	{
		program: "mawk",
		command: "make check",
		passed:  []string{`^tested .*mawk OK$`, `^results consistent`},
	},
}
