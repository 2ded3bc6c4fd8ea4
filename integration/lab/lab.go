// Package lab is a laboratory of two architectures on one machine: virtual
// machines that QEMU emulates, each with a Linux of its own and CRIU, and
// directories of the host shared with them by NFS.
//
//	amd64, err := lab.Start(ctx, lab.Config{Arch: "amd64"})
//	defer amd64.Close()
//	dumps, err := lab.Serve(ctx, dir, lab.ExportConfig{})
//	defer dumps.Close()
//	err = amd64.MountNFS(ctx, dumps, "/nfs")
//	out, err := amd64.Output(ctx, "criu dump -t $(pidof counter) -D /nfs/dump")
//
// Everything it starts dies with the process that started it.
package lab
