package main

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/tpfs/tpfs/criuimg"
)

// The exit codes are part of the interface.
const (
	exitOK           = 0
	exitError        = 1
	exitUsage        = 2
	exitUntranslated = 3
	exitImage        = 4
	exitMount        = 5
)

const exitCodesHelp = `  0  done
  1  failed for a reason that is not one of these
  2  wrong arguments
  3  the dump cannot be translated: the message says what to do about it
  4  the dump is missing, incomplete or damaged
  5  mounting or unmounting failed
`

// codedError is an error with the exit code it leads to.
type codedError struct {
	code int
	err  error // nil if all was said already
}

func (e *codedError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *codedError) Unwrap() error { return e.err }

// withCode decides the exit code for err, unless that has been done before.
func withCode(code int, err error) error {
	if err == nil || errors.As(err, new(*codedError)) {
		return err
	}
	return &codedError{code, err}
}

// exitSilently is for a command that has printed what is wrong itself.
func exitSilently(code int) error { return &codedError{code: code} }

// usageErrorf is an error in the arguments. An empty text prints nothing.
func usageErrorf(format string, args ...any) error {
	if format == "" {
		return exitSilently(exitUsage)
	}
	return &codedError{exitUsage, fmt.Errorf(format, args...)}
}

// translateError is for errors of the package translate.
func translateError(err error) error {
	if errors.As(err, new(*criuimg.Error)) {
		return withCode(exitImage, err)
	}
	return withCode(exitUntranslated, err)
}

// exitCode is the one place that maps errors to exit codes.
func exitCode(err error) int {
	if err == nil {
		return exitOK
	}
	if coded, ok := errors.AsType[*codedError](err); ok {
		return coded.code
	}
	if errors.As(err, new(*criuimg.Error)) {
		return exitImage
	}
	return exitError
}

// errorText is what main prints for err.
func errorText(err error) string {
	if err == nil {
		return ""
	}
	if coded, ok := err.(*codedError); ok && coded.err == nil {
		return ""
	}
	return printable(err.Error())
}

// printable makes what may come from a hostile dump fit for a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}
