"""A virtual machine with the distribution's own kernel, whose file system is this machine's, read-only, with empty /tmp and
/run. For what needs a module that the kernel here does not have."""

import glob
import gzip
import os
import shlex
import shutil
import subprocess
import tempfile

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = os.path.join(SOURCE, "build", "vm")
TO_MOUNT = ("virtio_pci", "9pnet_virtio", "9p")
MEMORY_MIB = 2048

INIT = """#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /host
/bin/busybox mount -t proc none /proc
/bin/busybox mount -t sysfs none /sys
/bin/busybox mount -t devtmpfs none /dev
for module in $(/bin/busybox cat /modules); do /bin/busybox insmod "/lib/$module"; done
/bin/busybox mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=262144 host /host || /bin/busybox poweroff -f
for folder in proc sys dev; do /bin/busybox mount -o bind /$folder /host/$folder; done
for folder in tmp run dev/shm; do /bin/busybox mount -t tmpfs none /host/$folder; done
/bin/busybox mkdir -p /host/dev/pts
/bin/busybox ip link set lo up
ulimit -n 20000
echo SLUICE-BEGIN
/bin/busybox chroot /host /bin/bash -c "$(/bin/busybox cat /command)" </dev/null 2>&1
echo "SLUICE-END $?"
/bin/busybox poweroff -f
"""


class Missing(Exception):
    """Why there can be no machine."""


def unpack(package, into):
    """The newest of a package of the distribution, without installing it."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["apt-get", "download", package], cwd=folder, capture_output=True, text=True, check=False)
        files = glob.glob(os.path.join(folder, "*.deb"))
        if done.returncode != 0 or len(files) != 1:
            raise Missing("%s cannot be downloaded: %s" % (package, done.stderr.strip()[-200:]))
        subprocess.run(["dpkg-deb", "-x", files[0], into], check=True)


def kernel_package():
    done = subprocess.run(["apt-cache", "depends", "--important", "linux-image-" + architecture()], capture_output=True, text=True,
                          check=False)
    names = [line.split()[-1] for line in done.stdout.splitlines() if "linux-image-" in line and "Depends:" in line]
    if not names:
        raise Missing("the distribution has no linux-image-" + architecture())
    return names[0]


def architecture():
    return subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout.strip()


def prepare():
    """(folder with the kernel's files, its version); they are fetched once."""
    for tool, package in (("qemu-system-x86_64", "qemu-system-x86"), ("depmod", "kmod"), ("cpio", "cpio")):
        if shutil.which(tool) is None and not os.path.exists("/sbin/" + tool):
            raise Missing("there is no %s (package %s)" % (tool, package))
    root = os.path.join(FOLDER, "root")
    if not os.path.exists(os.path.join(root, "done")):
        shutil.rmtree(root, ignore_errors=True)
        os.makedirs(root)
        unpack("busybox-static", root)
        unpack(kernel_package(), root)
        modules = os.path.join(root, "lib", "modules")
        if not os.path.exists(modules):
            os.makedirs(os.path.join(root, "lib"), exist_ok=True)
            os.symlink("../usr/lib/modules", modules)
        (version,) = os.listdir(modules)
        subprocess.run(["/sbin/depmod", "-b", root, version], check=True)
        open(os.path.join(root, "done"), "w", encoding="utf-8").close()
    (version,) = os.listdir(os.path.join(root, "lib", "modules"))
    return root, version


def module_files(root, version, names):
    """What has to be loaded for them, in order. Names that this kernel has not, or has built in, are passed over."""
    files = []
    for name in names:
        done = subprocess.run(["/sbin/modprobe", "-d", root, "-S", version, "--show-depends", name], capture_output=True, text=True,
                              check=False)
        for line in done.stdout.splitlines():
            words = line.split()
            if words[0] == "insmod" and words[1] not in files:
                files.append(words[1])
    return files


def initramfs(path, root, version, modules, command):
    with tempfile.TemporaryDirectory() as folder:
        for name in ("bin", "lib"):
            os.makedirs(os.path.join(folder, name))
        busybox = next(file for file in ("bin/busybox", "usr/bin/busybox") if os.path.exists(os.path.join(root, file)))
        shutil.copy(os.path.join(root, busybox), os.path.join(folder, "bin", "busybox"))
        order = []
        for number, file in enumerate(module_files(root, version, (*TO_MOUNT, *modules))):
            name = "%03d.ko" % number
            data = open(file, "rb").read()
            if file.endswith(".xz"):
                data = subprocess.run(["xz", "-dc", file], capture_output=True, check=True).stdout
            with open(os.path.join(folder, "lib", name), "wb") as out:
                out.write(data)
            order.append(name)
        for name, text in (("modules", "\n".join(order)), ("command", command), ("init", INIT)):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as out:
                out.write(text + "\n")
        os.chmod(os.path.join(folder, "init"), 0o755)
        names = subprocess.run(["find", "."], cwd=folder, capture_output=True, check=True).stdout
        packed = subprocess.run(["cpio", "--quiet", "-o", "-H", "newc"], cwd=folder, input=names, capture_output=True, check=True).stdout
        with gzip.open(path, "wb", compresslevel=1) as out:
            out.write(packed)


def run(command, modules=(), seconds=600, cores=2, kvm=False):
    """Runs a command line of bash in the source folder there, as root. (exit code, what it printed)."""
    root, version = prepare()
    with tempfile.TemporaryDirectory() as folder:
        image = os.path.join(folder, "initramfs")
        initramfs(image, root, version, modules, "export PATH=%s HOME=/tmp; cd %s && %s"
                  % (shlex.quote(os.environ["PATH"]), shlex.quote(SOURCE), command))
        accelerator = ["-accel", "kvm", "-cpu", "host"] if kvm else ["-accel", "tcg,thread=multi", "-cpu", "max"]
        (kernel,) = glob.glob(os.path.join(root, "boot", "vmlinuz-*"))
        qemu = ["timeout", "--kill-after=10", str(seconds), "qemu-system-x86_64", *accelerator, "-m", str(MEMORY_MIB), "-smp", str(cores),
                "-nographic", "-no-reboot", "-net", "none", "-kernel", kernel, "-initrd", image, "-append", "console=ttyS0 quiet panic=-1",
                "-virtfs", "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"]
        done = subprocess.run(qemu, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    text = done.stdout.decode(errors="replace").replace("\r", "")
    if "SLUICE-BEGIN\n" not in text:
        raise Missing("the virtual machine did not start: " + (done.stderr.decode(errors="replace") + text).strip()[-500:])
    printed = text.split("SLUICE-BEGIN\n", 1)[1]
    if "\nSLUICE-END " not in printed:
        return 124, printed
    printed, end = printed.rsplit("SLUICE-END ", 1)
    return int(end.split()[0]), printed
