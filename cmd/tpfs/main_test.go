package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tpfs/tpfs/criuimg"
	"github.com/tpfs/tpfs/fs/fusetest"
	"github.com/tpfs/tpfs/translate"
	"github.com/tpfs/tpfs/translate/view"
)

// The tests run tpfs as its own process, which is this test program again:
// it puts itself into the background and gets signals. It shows plain files
// as if they were a dump, or real dumps.
const (
	mainEnv   = "TPFS_TEST_MAIN"
	plainMain = "plain"
	realMain  = "real"
)

func TestMain(m *testing.M) {
	switch os.Getenv(mainEnv) {
	case plainMain:
		openMountable = openTestDump
		main()
	case realMain:
		main()
	}
	os.Exit(m.Run())
}

// testDump shows a plain directory as it is.
type testDump struct{ fusetest.Dir }

func (d testDump) Root() view.Dir  { return d.Dir }
func (d testDump) Errors() []error { return nil }
func (d testDump) Close() error    { return nil }

// openTestDump looks for files that say what shall happen.
func openTestDump(o translate.Options) (mountable, error) {
	has := func(name string) bool {
		_, err := os.Stat(filepath.Join(o.Source, name))
		return err == nil
	}
	switch {
	case has("untranslatable"):
		return nil, errors.New("process 7 (app): thread 8 is between points; pause it with tpfs pause")
	case has("damaged"):
		return nil, fmt.Errorf("%s: %w", o.Source, &criuimg.Error{Image: "core-7.img", Entry: -1, Offset: 12, Reason: "ends within an entry"})
	case has("crash"):
		panic("the server crashes")
	case has("gate"):
		// Opening waits until the test opens the gate, which is a fifo.
		if _, err := os.ReadFile(filepath.Join(o.Source, "gate")); err != nil {
			return nil, err
		}
	}
	return testDump{fusetest.Dir(o.Source)}, nil
}

// tpfs is a command that runs this program as tpfs.
func tpfs(args ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = append([]string{"tpfs"}, args...)
	cmd.Env = append(os.Environ(), mainEnv+"="+plainMain)
	return cmd
}

// realTPFS is tpfs for real dumps.
func realTPFS(args ...string) *exec.Cmd {
	cmd := tpfs(args...)
	cmd.Env = append(os.Environ(), mainEnv+"="+realMain)
	return cmd
}

// result runs a command to its end. It returns only when everybody who has its
// stdout and stderr has closed them, a server in the background too.
func result(t *testing.T, cmd *exec.Cmd) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%q: %v", cmd.Args, err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

func runHere(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(append([]string{"/usr/bin/tpfs"}, args...), &out, &errs)
	return code, out.String(), errs.String()
}

func TestHelp(t *testing.T) {
	for _, c := range []struct {
		args           string
		code           int
		stdout, stderr string // parts
	}{
		{"--help", 0, "Exit codes:\n  0  done\n", ""},
		{"-h", 0, "Usage: tpfs COMMAND", ""},
		{"help", 0, "Usage: tpfs COMMAND", ""},
		{"help mount", 0, "Usage: tpfs mount [FLAGS] SRC DST", ""},
		{"mount --help", 0, "--bin PATH=FILE", ""},
		{"umount -h", 0, "Usage: tpfs umount [FLAGS] DST", ""},
		{"--version", 0, "tpfs ", ""},
		{"version", 0, "linux/", ""},
		{"", 2, "", "Usage: tpfs COMMAND"},
		{"unmount", 2, "", `tpfs: unknown command "unmount". Did you mean 'tpfs umount'?`},
		{"help mont", 2, "", `Did you mean 'tpfs mount'?`},
		{"frobnicate", 2, "", "See 'tpfs --help'."},
		{"mount --frobnicate", 2, "", "tpfs: unknown flag: --frobnicate\nTry 'tpfs help mount'."},
		{"mount", 2, "", "tpfs: mount needs SRC DST, but was given nothing\nTry 'tpfs help mount'."},
		{"mount a b c", 2, "", `needs SRC DST, but was given "a" "b" "c"`},
		{"umount", 2, "", "tpfs: umount needs DST"},
		{"show", 2, "", "tpfs: show needs DUMP"},
		{"convert a", 2, "", `tpfs: convert needs SRC OUT, but was given "a"`},
		{"pause", 2, "", "tpfs: pause needs PID"},
		{"pause x", 2, "", `"x" is no process id`},
		{"resume 1 2", 2, "", "tpfs: resume needs PID"},
		{"check --va-bits 99 x", 2, "", "--va-bits 99: must be from 32 to 57"},
		{"check --arch vax x", 2, "", `unknown architecture "vax": use aarch64`},
	} {
		code, stdout, stderr := runHere(strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(stdout, c.stdout) || !strings.Contains(stderr, c.stderr) ||
			(c.stdout == "") != (stdout == "") || (c.stderr == "") != (stderr == "") {
			t.Errorf("tpfs %s: exit code %d\nstdout: %s\nstderr: %s", c.args, code, stdout, stderr)
		}
	}
	_, help, _ := runHere("--help")
	for _, c := range commands {
		if !strings.Contains(help, "\n  "+c.name+" ") {
			t.Errorf("the help has no %s", c.name)
		}
		if c.short == "" || strings.HasSuffix(c.short, ".") {
			t.Errorf("%s: short help %q", c.name, c.short)
		}
	}
}

func TestExitCode(t *testing.T) {
	image := &criuimg.Error{Image: "mm-1.img", Entry: -1, Offset: -1, Reason: "is empty"}
	for _, c := range []struct {
		err  error
		code int
		text string
	}{
		{nil, 0, ""},
		{errors.New("something"), 1, "something"},
		{usageErrorf("wrong %d", 1), 2, "wrong 1"},
		{usageErrorf(""), 2, ""},
		{exitSilently(3), 3, ""},
		{image, 4, "mm-1.img: is empty"},
		{fmt.Errorf("dump: %w", image), 4, "dump: mm-1.img: is empty"},
		{translateError(image), 4, "mm-1.img: is empty"},
		{translateError(errors.New("no pair")), 3, "no pair"},
		{translateError(nil), 0, ""},
		{withCode(exitMount, errors.New("busy")), 5, "busy"},
		{withCode(exitMount, usageErrorf("wrong")), 2, "wrong"},
		{fmt.Errorf("more: %w", withCode(exitMount, errors.New("busy"))), 5, "more: busy"},
	} {
		if code, text := exitCode(c.err), errorText(c.err); code != c.code || text != c.text {
			t.Errorf("%v: %d, %q; want %d, %q", c.err, code, text, c.code, c.text)
		}
	}
}

func TestEditDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"mount", "mount", 0}, {"mont", "mount", 1}, {"mount", "umount", 1},
		{"muont", "mount", 2}, {"", "abc", 3}, {"show", "check", 4},
	} {
		if got := editDistance(c.a, c.b); got != c.want {
			t.Errorf("%q, %q: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestTranslateFlags(t *testing.T) {
	t.Chdir("/usr")
	for _, c := range []struct {
		flags translateFlags
		bins  map[string]string
		err   string
	}{
		{flags: translateFlags{arch: "arm64"}},
		{flags: translateFlags{arch: hostArch()}},
		{flags: translateFlags{arch: "x86-64", bins: []string{"/bin/a=/opt/a"}}, bins: map[string]string{"/bin/a": "/opt/a"}},
		{flags: translateFlags{arch: "x86-64", bins: []string{"/bin/a=b=c"}}, bins: map[string]string{"/bin/a": "/usr/b=c"}},
		{flags: translateFlags{arch: "x86-64", sysroot: "root", bins: []string{"/a=/b"}}, bins: map[string]string{"/a": "/b"}},
		{flags: translateFlags{arch: "vax"}, err: `unknown architecture "vax"`},
		{flags: translateFlags{arch: "arm64", bins: []string{"/bin/a"}}, err: "--bin /bin/a: must be PATH=FILE"},
		{flags: translateFlags{arch: "arm64", bins: []string{"/bin/a="}}, err: "must be PATH=FILE"},
		{flags: translateFlags{arch: "arm64", bins: []string{"a=b"}}, err: "a is not the absolute path"},
		{flags: translateFlags{arch: "arm64", bins: []string{"/a=b", "/a=c"}}, err: "twice"},
		{flags: translateFlags{arch: "arm64", sysroot: "/r", bins: []string{"/a=b"}}, err: "b must be an absolute path"},
	} {
		o, err := c.flags.options("dump")
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) || exitCode(err) != exitUsage {
				t.Errorf("%+v: %v, want %s", c.flags, err, c.err)
			}
			continue
		}
		if err != nil || o.Source != "/usr/dump" || len(o.Binaries) != len(c.bins) {
			t.Errorf("%+v: %+v, %v", c.flags, o, err)
		}
		for path, file := range c.bins {
			if o.Binaries[path] != file {
				t.Errorf("%+v: %s is %s, want %s", c.flags, path, o.Binaries[path], file)
			}
		}
		if c.flags.sysroot != "" && o.Sysroot != "/usr/root" {
			t.Errorf("sysroot %s", o.Sysroot)
		}
	}
}

func TestSplitOptions(t *testing.T) {
	for in, want := range map[string][]string{
		"":                 {""},
		"a":                {"a"},
		"a,b=c,d":          {"a", "b=c", "d"},
		"a,,b":             {"a", "", "b"},
		`bin=/a\,b=/c,ro`:  {"bin=/a,b=/c", "ro"},
		`log=/a\\,b`:       {`log=/a\`, "b"},
		`x-a=\"q\",b`:      {`x-a="q"`, "b"},
		`ends\`:            {`ends\`},
		"bin=/a=/b=c,flat": {"bin=/a=/b=c", "flat"},
	} {
		if got := splitOptions(in); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestApplyOptions(t *testing.T) {
	var m mountArgs
	const generic = "rw,ro,defaults,nodev,nosuid,noexec,noatime,noauto,nofail,_netdev,user,users,x-systemd.automount,X-mount.mkdir=0755,comment=a,"
	if err := m.applyOptions(generic+`arch=arm64,bin=/a=/b,bin=/c\,d=/e,sysroot=/r,flat,va_bits=47,log=/l,allow_other,debug`, false); err != nil {
		t.Fatal(err)
	}
	if m.arch != "arm64" || !slices.Equal(m.bins, []string{"/a=/b", "/c,d=/e"}) || m.sysroot != "/r" ||
		!m.flat || m.vaBits != 47 || m.log != "/l" || !m.allowOther || !m.debug {
		t.Errorf("%+v", m)
	}
	for text, want := range map[string]string{
		"frobnicate":    `unknown mount option "frobnicate"`,
		"rw,arch":       "option arch: needs a value",
		"arch=":         "option arch: needs a value",
		"flat=yes":      "option flat=yes: takes no value",
		"va_bits=large": "option va_bits=large: must be a number",
		"bins=/a=/b":    `unknown mount option "bins=/a=/b"`,
	} {
		var m mountArgs
		err := m.applyOptions(text, false)
		if err == nil || !strings.Contains(err.Error(), want) || exitCode(err) != exitUsage {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	if err := m.applyOptions("frobnicate,bins=1", true); err != nil {
		t.Errorf("sloppy: %v", err)
	}
}

// FuzzSplitOptions writes options as mount(8) does, and spoils them.
func FuzzSplitOptions(f *testing.F) {
	f.Add("arch=arm64", `bin=/a,b=/c\`, "rw,,x")
	f.Add("", "", `\`)
	f.Fuzz(func(t *testing.T, a, b, text string) {
		var m mountArgs
		if err := m.applyOptions(text, false); err != nil && exitCode(err) != exitUsage {
			t.Errorf("%q: %v", text, err)
		}
		escape := strings.NewReplacer(`,`, `\,`, `\`, `\\`).Replace
		if got := splitOptions(escape(a) + "," + escape(b)); !slices.Equal(got, []string{a, b}) {
			t.Errorf("%q, %q: %q", a, b, got)
		}
	})
}
