package layout

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// A Module is what the code generator made an object of. An object carries it
// so that a link can have the object made anew, with other settings.
type Module struct {
	Options []string // of the code generator
	IR      []byte   // in bitcode or as text
}

// maxModule bounds what a compressed module can become.
const maxModule = maxObject

// encode makes the content of the module's section: a line of JSON with the
// options, and the IR, compressed.
func (m *Module) encode() ([]byte, error) {
	line, err := json.Marshal(m.Options)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.Write(append(line, '\n'))
	w, err := flate.NewWriter(&b, flate.DefaultCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(m.IR); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Module returns what the object was made of; nil if it does not say.
func (o *Object) Module() (*Module, error) {
	h, err := readHeaders(o.Parts[X86_64])
	if err != nil {
		return nil, fmt.Errorf("%v: %w", o, err)
	}
	data, err := h.find(sectionModule)
	if err != nil {
		return nil, fmt.Errorf("%v: %w", o, err)
	}
	if data == nil {
		return nil, nil
	}
	m, err := decodeModule(data)
	if err != nil {
		return nil, fmt.Errorf("%v: section %s: %w", o, sectionModule, err)
	}
	return m, nil
}

func decodeModule(data []byte) (*Module, error) {
	line, packed, found := bytes.Cut(data, []byte("\n"))
	if !found {
		return nil, errors.New("no line of options")
	}
	m := &Module{}
	if err := json.Unmarshal(line, &m.Options); err != nil {
		return nil, fmt.Errorf("options: %w", err)
	}
	var err error
	if m.IR, err = io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), maxModule+1)); err != nil {
		return nil, fmt.Errorf("IR: %w", err)
	}
	if len(m.IR) > maxModule {
		return nil, fmt.Errorf("IR of more than %d bytes", maxModule)
	}
	return m, nil
}

// Replace puts another object in the place of o's content.
func (o *Object) Replace(object []byte) error {
	parts, err := Split(object)
	if err != nil {
		return fmt.Errorf("%v: %w", o, err)
	}
	o.Parts = parts
	return nil
}
