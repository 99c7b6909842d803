"""Writes an image as the tar file of an OCI image layout, without a daemon; `docker load` reads it as well.

    oci.py --root FOLDER --out FILE --arch amd64 --version VERSION --revision COMMIT --epoch SECONDS

FOLDER is the image's root folder. Everything in it belongs to root, but for /pushgateway, which is the user's, and bears
the time given, so the same folder gives the same bytes.
"""

import argparse
import datetime
import gzip
import hashlib
import io
import json
import os
import re
import tarfile

USER = 65534
WORKDIR = "/pushgateway"


def entry(tar_name, path, epoch):
    """One member of the layer; names are relative, as layers have them."""
    info = tarfile.TarInfo(tar_name)
    status = os.lstat(path)
    info.mtime = epoch
    info.mode = status.st_mode & 0o7777
    if "/" + tar_name == WORKDIR:
        info.uid = info.gid = USER
    if os.path.islink(path):
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, os.readlink(path), 0o777
    elif os.path.isdir(path):
        info.type = tarfile.DIRTYPE
    else:
        info.size = status.st_size
    return info


def layer_of(root, epoch):
    """The layer's tar: folders before what is in them, names in order."""
    paths = []
    for folder, folders, files in os.walk(root):
        paths += [os.path.join(folder, name) for name in folders + files]
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path in sorted(paths):
            info = entry(os.path.relpath(path, root), path, epoch)
            if info.isreg():
                with open(path, "rb") as file:
                    tar.addfile(info, file)
            else:
                tar.addfile(info)
    return out.getvalue()


class Image:
    """The blobs of the layout by their digests."""

    def __init__(self):
        self.files = {}

    def add(self, media_type, data):
        """The descriptor of `data`, which becomes a blob."""
        digest = hashlib.sha256(data).hexdigest()
        self.files["blobs/sha256/" + digest] = data
        return {"mediaType": media_type, "digest": "sha256:" + digest, "size": len(data)}

    def add_json(self, media_type, value):
        return self.add(media_type, as_json(value))

    def write(self, path, epoch):
        with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
            for name in sorted(self.files):
                info = tarfile.TarInfo(name)
                info.mtime, info.mode, info.size = epoch, 0o644, len(self.files[name])
                tar.addfile(info, io.BytesIO(self.files[name]))


def as_json(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def configuration(options, layer):
    """The reference's contract: its user, port, working folder and entry point."""
    created = datetime.datetime.fromtimestamp(options.epoch, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "architecture": options.arch, "os": "linux", "created": created,
        "config": {
            "User": str(USER), "ExposedPorts": {"9091/tcp": {}}, "WorkingDir": WORKDIR, "Entrypoint": ["/bin/pushgateway"],
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            "Labels": {"org.opencontainers.image.title": "sluice", "org.opencontainers.image.version": options.version,
                       "org.opencontainers.image.revision": options.revision,
                       "org.opencontainers.image.licenses": "Apache-2.0"}},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]},
        "history": [{"created": created, "created_by": "tools/package oci"}]}


def main():
    parser = argparse.ArgumentParser()
    for name in ("root", "out", "arch", "version", "revision"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--epoch", type=int, required=True)
    options = parser.parse_args()
    image = Image()
    layer = layer_of(options.root, options.epoch)
    packed = image.add("application/vnd.oci.image.layer.v1.tar+gzip", gzip.compress(layer, 9, mtime=0))
    config = image.add_json("application/vnd.oci.image.config.v1+json", configuration(options, layer))
    manifest_type = "application/vnd.oci.image.manifest.v1+json"
    manifest = image.add_json(manifest_type, {"schemaVersion": 2, "mediaType": manifest_type, "config": config, "layers": [packed]})
    manifest["platform"] = {"architecture": options.arch, "os": "linux"}
    tag = re.sub("[^A-Za-z0-9_.-]", "-", options.version)
    manifest["annotations"] = {"org.opencontainers.image.ref.name": tag}
    image.files["index.json"] = as_json({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
                                         "manifests": [manifest]})
    image.files["oci-layout"] = as_json({"imageLayoutVersion": "1.0.0"})
    # What docker load looked for before it knew OCI layouts; it names the same blobs.
    blob = "blobs/sha256/%s"
    image.files["manifest.json"] = as_json([{"Config": blob % config["digest"][7:], "RepoTags": ["sluice:" + tag],
                                             "Layers": [blob % packed["digest"][7:]]}])
    image.write(options.out, options.epoch)


if __name__ == "__main__":
    main()
