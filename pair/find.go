package pair

import (
	"errors"
	"io/fs"
	"path/filepath"
)

// Find opens the files of pairs below a directory, in the order of their paths.
// Links are not followed.
func Find(dir string) ([]*File, error) {
	var found []*File
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		f, err := Open(path)
		if errors.Is(err, ErrNotPair) {
			return nil
		}
		found = append(found, f)
		return err
	})
	return found, err
}
