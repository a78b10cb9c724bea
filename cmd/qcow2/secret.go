package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"cstructgen/qcow2"
)

// maxSecret is the most bytes of a secret, as many as cryptsetup takes.
const maxSecret = 8 << 20

// secrets are the passwords of encrypted images, as the command line gives
// them: never as an argument, which every user of the machine can see.
type secrets struct {
	sources []secretSource
	read    [][]byte // what they hold, once it was asked for: a pipe tells once
}

// A secretSource is where one password is found.
type secretSource struct {
	flag string // "secret-file" or "secret-env"
	name string // of the file or variable
}

// registerSecrets adds the flags that give passwords.
func registerSecrets(cmd *cobra.Command) *secrets {
	s := new(secrets)
	f := cmd.Flags()
	f.Var(secretFlag{s, secretFile}, secretFile, "`FILE` with the password of an encrypted image; of several the first is for the topmost encrypted layer, the last for all others")
	f.Var(secretFlag{s, secretEnv}, secretEnv, "the same from the environment variable `NAME`; the order of both kinds counts")
	return s
}

const (
	secretFile = "secret-file"
	secretEnv  = "secret-env"
)

// A secretFlag is a flag that names a source of secrets. Both kinds go into one
// list, in the order they are given in.
type secretFlag struct {
	secrets *secrets
	flag    string
}

func (f secretFlag) String() string { return "" }
func (f secretFlag) Type() string   { return "string" }

func (f secretFlag) Set(name string) error {
	if name == "" {
		return errors.New("no name")
	}
	f.secrets.sources = append(f.secrets.sources, secretSource{f.flag, name})
	return nil
}

// get returns the password.
func (s *secretSource) get() ([]byte, error) {
	if s.flag == secretEnv {
		value, ok := os.LookupEnv(s.name)
		if !ok {
			return nil, usageError{fmt.Errorf("--%s: there is no environment variable %q", secretEnv, s.name)}
		}
		return []byte(value), nil
	}
	f, err := os.Open(s.name) // perhaps a pipe, of a program that knows the secret
	if err != nil {
		return nil, fmt.Errorf("--%s: %w", secretFile, err)
	}
	defer f.Close()
	secret, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("--%s: %w", secretFile, err)
	case len(secret) > maxSecret:
		return nil, fmt.Errorf("--%s: %q has more than %d bytes", secretFile, s.name, maxSecret)
	}
	return secret, nil
}

// options adds the passwords to opts.
func (s *secrets) options(opts *qcow2.Options) error {
	for _, source := range s.sources[len(s.read):] {
		secret, err := source.get()
		if err != nil {
			return err
		}
		s.read = append(s.read, secret)
	}
	if len(s.read) == 0 {
		return nil
	}
	next := 0
	opts.PasswordOf = func(qcow2.EncryptedLayer) ([]byte, error) {
		secret := s.read[min(next, len(s.read)-1)]
		next++
		return secret, nil
	}
	return nil
}

// secretHint follows every refusal to decrypt.
const secretHint = " (--secret-file FILE or --secret-env NAME gives it, to the last byte: a newline at the end counts)"
