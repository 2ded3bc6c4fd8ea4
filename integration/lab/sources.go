package lab

import (
	"bufio"
	"io/fs"
	"net/url"
	"slices"
	"strings"
)

// machineMirror is the mirror of Debian's main archive that this machine uses,
// found in the sources of its apt (etc is /etc/apt), or the default one.
// A mirror has all suites, whichever of them the machine itself uses.
func machineMirror(etc fs.FS) string {
	files := []string{"sources.list"}
	for _, pattern := range []string{"sources.list.d/*.sources", "sources.list.d/*.list"} {
		if more, err := fs.Glob(etc, pattern); err == nil {
			files = append(files, more...)
		}
	}
	for _, name := range files {
		text, err := fs.ReadFile(etc, name)
		if err != nil {
			continue
		}
		parse := parseOneLine
		if strings.HasSuffix(name, ".sources") {
			parse = parseDeb822
		}
		for _, uri := range parse(string(text)) {
			if isDebianMain(uri) {
				return strings.TrimSuffix(uri, "/")
			}
		}
	}
	return defaultMirror
}

// isDebianMain tells the main archive from debian-security and from what
// others offer by the directory, which is called debian on every mirror.
func isDebianMain(uri string) bool {
	u, err := url.Parse(uri)
	return err == nil && slices.Contains([]string{"http", "https"}, u.Scheme) &&
		slices.Contains(strings.Split(u.Path, "/"), "debian")
}

// parseOneLine returns the addresses in a file of lines such as
//
//	deb [arch=amd64 signed-by=/x] http://deb.debian.org/debian bookworm main
//
// that have the component main. See sources.list(5).
func parseOneLine(text string) (uris []string) {
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), "deb")
		if !ok || rest == "" || !strings.ContainsAny(rest[:1], " \t") {
			continue
		}
		if rest = strings.TrimSpace(rest); strings.HasPrefix(rest, "[") {
			_, rest, _ = strings.Cut(rest, "]")
		}
		if f := strings.Fields(rest); len(f) >= 3 && slices.Contains(f[2:], "main") {
			uris = append(uris, f[0])
		}
	}
	return uris
}

// parseDeb822 returns the addresses in a file of stanzas such as
//
//	Types: deb
//	URIs: http://deb.debian.org/debian
//	Suites: bookworm bookworm-updates
//	Components: main
//
// that are enabled and have the component main. See sources.list(5).
func parseDeb822(text string) (uris []string) {
	fields := map[string]string{}
	flush := func() {
		has := func(field, word string) bool { return slices.Contains(strings.Fields(fields[field]), word) }
		if has("types", "deb") && has("components", "main") && !has("enabled", "no") {
			uris = append(uris, strings.Fields(fields["uris"])...)
		}
		clear(fields)
	}
	last := ""
	for s := bufio.NewScanner(strings.NewReader(text)); s.Scan(); {
		line := s.Text()
		switch key, value, ok := strings.Cut(line, ":"); {
		case strings.HasPrefix(line, "#"):
		case strings.TrimSpace(line) == "":
			flush()
		case strings.ContainsAny(line[:1], " \t"): // goes on with the field before
			fields[last] += " " + line
		case ok:
			last = strings.ToLower(key)
			fields[last] = value
		}
	}
	flush()
	return uris
}
