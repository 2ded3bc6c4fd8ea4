package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"github.com/tpfs/tpfs/translate"
)

var checkCommand = command{
	name:  "check",
	args:  "SRC",
	short: "tell whether a dump can be translated, without mounting it",
	long: `
SRC is a directory that criu dump has written. Everything is translated as a
restore would ask for it, and thrown away. Each problem is one line; the exit
code is 0 if there is none.`,
	setup: func(flags *pflag.FlagSet) runFunc {
		f := &translateFlags{}
		f.register(flags)
		asJSON := flags.Bool("json", false, "print JSON: the architectures, and an array of problems")
		return func(args []string, stdout, stderr io.Writer) error {
			o, err := f.options(args[0])
			if err != nil {
				return err
			}
			result := checkResult{Source: o.Source, To: translate.ArchName(o.Arch), Problems: []string{}}
			v, err := translate.Open(o)
			if err == nil {
				defer v.Close()
				result.From, _ = v.Arch()
				err = v.Check()
			}
			if err != nil {
				result.Problems = strings.Split(err.Error(), "\n")
			}
			if *asJSON {
				e := json.NewEncoder(stdout)
				e.SetIndent("", "  ")
				if jsonErr := e.Encode(result); jsonErr != nil {
					return jsonErr
				}
				if err != nil {
					return exitSilently(exitCode(translateError(err)))
				}
				return nil
			}
			if err != nil {
				return translateError(err)
			}
			fmt.Fprintf(stdout, "%s: can be moved from %s to %s\n", result.Source, result.From, result.To)
			return nil
		}
	},
}

type checkResult struct {
	Source   string   `json:"source"`
	From     string   `json:"from,omitempty"`
	To       string   `json:"to"`
	Problems []string `json:"problems"`
}
