package tests

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"cstructgen/internal/cstruct"
)

var gccAll = flag.String("gcc-headers", "", "compare with gcc the headers of linux-libc-dev and libc6-dev whose path contains this, or \"all\", in place of the chosen ones")

// systemDirs are searched for headers as gcc does.
var systemDirs = []string{"/usr/include/x86_64-linux-gnu", "/usr/include"}

// parseHeader parses a header that is installed.
func parseHeader(path string) (*cstruct.Model, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	cfg := cstruct.Config{}
	for _, d := range systemDirs {
		cfg.Include = append(cfg.Include, cstruct.Dir{Name: d, FS: os.DirFS(d)})
	}
	src := cstruct.Source{Name: path, Text: text, Dir: cstruct.Dir{Name: filepath.Dir(path), FS: os.DirFS(filepath.Dir(path))}, Path: filepath.Base(path)}
	for _, d := range systemDirs {
		if rest, ok := strings.CutPrefix(path, d+"/"); ok {
			src.Dir, src.Path = cstruct.Dir{Name: d, FS: os.DirFS(d)}, rest
			break
		}
	}
	cfg.Files = []cstruct.Source{src}
	return cstruct.Parse(cfg)
}

// compareHeader returns how what we say of a header differs from what gcc
// says, and what gcc says.
func compareHeader(t testing.TB, gcc, path string) (diff []string, want facts, err error) {
	g := &gccOracle{gcc: gcc, dir: t.TempDir(), text: fmt.Sprintf("#include %q\n", path)}
	if want, err = g.facts(t.Context()); err != nil {
		return nil, nil, err
	}
	m, err := parseHeader(path)
	if err != nil {
		return []string{strings.TrimSpace(cstruct.Format(err))}, want, nil
	}
	got := modelFacts(m)
	if slices.ContainsFunc(slices.Collect(maps.Keys(got)), func(k string) bool { return strings.HasPrefix(k, "macro ") && want[k] == "" }) {
		// A macro may need a type that we know from the start and this
		// header does not declare. Then gcc is asked with that type.
		g.text = "#include <stddef.h>\n#include <linux/types.h>\n" + g.text
		more, err := g.facts(t.Context())
		if err != nil {
			return nil, nil, err
		}
		for k := range got {
			if strings.HasPrefix(k, "macro ") && want[k] == "" && more[k] != "" {
				want[k] = more[k]
			}
		}
	}
	return compareFacts(got, want), want, nil
}

// compareFacts is differences, but for the two places where we mean to
// differ: a macro that shifts beyond its type is 0 to gcc and exact to us, and
// a macro that has the name and value of an enumerator is that enumerator.
func compareFacts(got, want facts) []string {
	for k, v := range want {
		name, isMacro := strings.CutPrefix(k, "macro ")
		if !isMacro {
			continue
		}
		_, have := got[k]
		value, same := want["enumerator "+name]
		if v == "shift" || !have && same && strings.HasSuffix(v, " "+value) {
			delete(want, k)
			delete(got, k)
		}
	}
	return got.differences(want)
}

func TestGCCDefinitions(t *testing.T) {
	gcc := requireTool(t, "gcc")
	headers, err := filepath.Glob("../defs/*.h")
	if err != nil || len(headers) == 0 {
		t.Fatalf("no definitions: %v", err)
	}
	for _, h := range headers {
		t.Run(filepath.Base(h), func(t *testing.T) {
			path, err := filepath.Abs(h)
			if err != nil {
				t.Fatal(err)
			}
			diff, want, err := compareHeader(t, gcc, path)
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range diff {
				t.Error(line)
			}
			t.Logf("%d facts agree", len(want)-len(diff))
		})
	}
}

// chosenHeaders are compared in every run. They have among them bit-fields in
// both orders and all widths, packed and aligned structs, unions, flexible and
// empty arrays, byte order types, 64-bit and negative enumerators, floating
// and string macros, include_next, and the freestanding headers.
var chosenHeaders = strings.Fields(`
	asm/kvm.h asm/ptrace.h asm/sigcontext.h asm/stat.h
	linux/acct.h linux/atm.h linux/audit.h linux/auto_fs.h linux/bcache.h linux/bpf.h linux/btf.h linux/btrfs.h
	linux/btrfs_tree.h linux/can.h linux/cdrom.h linux/coda.h linux/dlm_device.h linux/dm-ioctl.h linux/elf.h
	linux/ethtool.h linux/fd.h linux/fs.h linux/fuse.h linux/gpio.h linux/hdlc.h linux/hdreg.h linux/i2o-dev.h
	linux/icmpv6.h linux/igmp.h linux/in.h linux/input.h linux/io_uring.h linux/ip.h linux/ipv6.h linux/kfd_ioctl.h
	linux/kvm.h linux/loop.h linux/media.h linux/nfs_fs.h linux/nl80211.h linux/nvme_ioctl.h linux/perf_event.h
	linux/pkt_cls.h linux/ppp_defs.h linux/ptp_clock.h linux/quota.h linux/raid/md_p.h linux/serial.h linux/tcp.h
	linux/tls.h linux/udp.h linux/usb/ch9.h linux/userfaultfd.h linux/v4l2-controls.h linux/vfio.h linux/videodev2.h
	linux/virtio_net.h linux/virtio_ring.h linux/vm_sockets.h linux/wireless.h
	drm/amdgpu_drm.h rdma/mlx5-abi.h scsi/scsi_bsg_fc.h sound/asound.h xen/evtchn.h
	elf.h dirent.h fcntl.h float.h limits.h link.h locale.h math.h netdb.h netinet/ip.h netinet/tcp.h pthread.h
	pwd.h sched.h search.h semaphore.h signal.h spawn.h stdint.h stdio.h stdlib.h sys/epoll.h sys/inotify.h
	sys/msg.h sys/procfs.h sys/quota.h sys/shm.h sys/socket.h sys/stat.h sys/statvfs.h sys/time.h sys/types.h
	sys/ucontext.h sys/un.h sys/user.h termios.h threads.h time.h ucontext.h unistd.h utmp.h values.h wchar.h
`)

// headerPaths returns the headers to compare: the chosen ones, or those of the
// installed development packages that the flag asks for.
func headerPaths(t *testing.T) (paths []string) {
	if *gccAll == "" {
		for _, h := range chosenHeaders {
			for _, d := range systemDirs {
				if _, err := os.Stat(filepath.Join(d, h)); err == nil {
					paths = append(paths, filepath.Join(d, h))
				}
			}
		}
		// Other systems lack some of these headers, and gain others.
		if len(paths) < len(chosenHeaders)*3/4 {
			t.Fatalf("of %d headers %d are installed: linux-libc-dev and libc6-dev are needed", len(chosenHeaders), len(paths))
		}
		return paths
	}
	out, err := exec.Command(requireTool(t, "dpkg"), "-L", "linux-libc-dev", "libc6-dev").Output()
	if err != nil {
		t.Fatal(err)
	}
	for path := range strings.Lines(string(out)) {
		if path = strings.TrimSpace(path); strings.HasSuffix(path, ".h") && (*gccAll == "all" || strings.Contains(path, *gccAll)) {
			paths = append(paths, path)
		}
	}
	return paths
}

// TestGCCHeaders compares system headers, those that gcc itself compiles
// standalone.
func TestGCCHeaders(t *testing.T) {
	gcc := requireTool(t, "gcc")
	if out, err := exec.Command(gcc, "-dumpmachine").Output(); err != nil || !strings.HasPrefix(string(out), "x86_64-linux") {
		if inCI() {
			t.Fatalf("gcc is not for x86-64 Linux but %s %v", out, err)
		}
		t.Skipf("gcc is not for x86-64 Linux but %s %v", out, err)
	}
	var mu sync.Mutex
	var agree, standalone int
	have, same := map[string]int{}, map[string]int{}
	paths := headerPaths(t)
	t.Run("headers", func(t *testing.T) {
		for _, path := range paths {
			t.Run(path, func(t *testing.T) {
				t.Parallel()
				diff, want, err := compareHeader(t, gcc, path)
				if errors.Is(err, errNotStandalone) {
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				for _, line := range diff[:min(len(diff), 8)] {
					t.Error(line)
				}
				mu.Lock()
				defer mu.Unlock()
				standalone++
				if len(diff) == 0 {
					agree++
				}
				tally(have, same, diff, want)
			})
		}
	})
	t.Logf("headers: %d of %d agree", agree, standalone)
	for _, kind := range slices.Sorted(maps.Keys(have)) {
		t.Logf("%s: %d of %d agree", kind, same[kind], have[kind])
	}
	if standalone == 0 {
		t.Error("gcc compiled no header")
	}
}

// tally counts by kind what gcc says, and what of it we say, too.
func tally(have, same map[string]int, diff []string, want facts) {
	bad := map[string]bool{}
	for _, line := range diff {
		key, _, _ := strings.Cut(line, ": ")
		bad[key] = true
	}
	failed := len(diff) > 0 && strings.Contains(diff[0], "\n") // it did not parse
	for key := range want {
		kind, _, _ := strings.Cut(key, " ")
		if strings.Contains(key, ".") {
			kind = "member"
		}
		have[kind]++
		if !failed && !bad[key] {
			same[kind]++
		}
	}
}
