#!/bin/sh
# Runs inside the new root when every package is there and the files of `root/` lie over them: turns a Debian system
# into one that behaves, towards user-data, like Flatcar; and takes out what would only slow a boot down.
set -eu

# --- accounts -------------------------------------------------------------------------------------------------------
install -d -m 0755 -o 500 -g 500 /home/core
cp /etc/skel/.bashrc /etc/skel/.profile /home/core/
chown -R 500:500 /home/core
for group in docker sudo systemd-journal; do
    usermod --append --groups "$group" core
done
passwd --lock root > /dev/null
chmod 0440 /etc/sudoers.d/core
install -d -m 0700 -o 232 -g 232 /var/lib/etcd

# --- what every machine must make for itself ------------------------------------------------------------------------
rm -f /etc/ssh/ssh_host_* /etc/hostname /var/lib/dbus/machine-id
ln -s /etc/machine-id /var/lib/dbus/machine-id
# The word makes systemd treat the first boot as one and apply presets: that is how Ignition enables units.
echo uninitialized > /etc/machine-id

# --- what a boot would look at for nothing --------------------------------------------------------------------------
# An emulated processor needs seconds for what a real one does in passing: each program of the boot counts, and the
# first boot applies presets to every unit file there is.
version=$(ls /lib/modules)
find /lib/modules -name '*.ko.xz' -exec xz --decompress {} +
depmod "$version"
find /usr/lib/systemd/system-generators -type f ! -name systemd-fstab-generator -delete
for rules in /usr/lib/udev/rules.d/*; do
    case "${rules##*/}" in
        50-udev-default.rules | 60-block.rules | 60-persistent-storage.rules | 64-btrfs.rules | 66-azure-storage.rules | \
        70-azure-local-power-switch.rules | 75-net-description.rules | 80-drivers.rules | 80-net-setup-link.rules | 90-iocost.rules | 99-systemd.rules) ;;
        *) rm -f "$rules" ;;
    esac
done
(
    cd /usr/lib/systemd/system
    rm -rf systemd-pcr* systemd-tpm2* systemd-hibernate* systemd-creds* systemd-sysext* systemd-confext* \
        systemd-initctl* systemd-quotacheck* systemd-backlight* systemd-rfkill* systemd-storagetm* systemd-bsod* \
        systemd-suspend* systemd-hybrid* systemd-battery* systemd-binfmt* systemd-boot-system-token.service \
        systemd-ask-password* systemd-update-utmp* systemd-pstore* systemd-random-seed* systemd-firstboot* \
        systemd-sysusers* systemd-update-done* systemd-hwdb-update.service systemd-network-generator.service \
        systemd-udev-load-credentials.service systemd-journal-catalog-update.service \
        systemd-networkd-persistent-storage.service systemd-tmpfiles-setup-dev-early.service ldconfig.service \
        dev-hugepages.mount sys-kernel-config.mount sys-kernel-debug.mount sys-kernel-tracing.mount \
        sys-fs-fuse-connections.mount proc-sys-fs-binfmt_misc.* hibernate.target hybrid-sleep.target suspend*.target \
        dracut-*.service cryptdisks* apt-daily* e2scrub* dpkg-db-backup* quotaon* rc-local* x11-common.service
    # /tmp stays on the disk: memory is what a small machine has least of.
    rm -f local-fs.target.wants/tmp.mount local-fs.target.wants/run-lock.mount \
        sockets.target.wants/systemd-hostnamed.socket \
        multi-user.target.wants/getty.target
    find . -xtype l -delete
)

# --- services: exactly those of the preset file ---------------------------------------------------------------------
find /etc/systemd/system -mindepth 1 -delete
rm -f /usr/lib/systemd/system-preset/90-systemd.preset
systemctl preset-all --quiet
for unit in etcd.service getty@.service serial-getty@.service console-getty.service modprobe@configfs.service \
    modprobe@dm_mod.service modprobe@drm.service modprobe@efi_pstore.service modprobe@fuse.service \
    modprobe@loop.service; do
    ln -sf /dev/null "/etc/systemd/system/$unit"
done
# The first boot has to write it again: it must know that there is no clock in the image that is newer than the host's.
rm -f /var/lib/systemd/timesync/clock

# --- the initramfs --------------------------------------------------------------------------------------------------
# Ignition's dracut module asks for the network, which only remote sources need: user-data carries everything inline.
sed -i 's/^\( *\)echo qemu systemd url-lib network$/\1echo systemd/' /usr/lib/dracut/modules.d/30ignition/module-setup.sh
dracut --quiet --force --no-hostonly --no-hostonly-cmdline --no-early-microcode --nofscks --no-compress \
    --modules "base bash systemd systemd-initrd systemd-journald udev-rules kernel-modules ignition azure-local" \
    --drivers "virtio_blk virtio_pci qemu_fw_cfg ext4 vfat nls_ascii nls_cp437" \
    --force-drivers "virtio_pci virtio_blk qemu_fw_cfg ext4" \
    /boot/initramfs "$version"
cp "/boot/vmlinuz-$version" /boot/kernel

# --- weight ---------------------------------------------------------------------------------------------------------
rm -rf /boot/vmlinuz-* /boot/initrd.img-* /boot/System.map-* /vmlinuz* /initrd.img* \
    /usr/lib/dracut/modules.d/30ignition/ignition /usr/bin/ignition-validate \
    /usr/share/doc /usr/share/man /usr/share/info /usr/share/locale /usr/share/bash-completion \
    /usr/lib/udev/hwdb.d /usr/lib/udev/hwdb.bin /var/lib/apt/lists /var/cache/apt /var/log/*.log /var/log/apt /var/lib/initramfs-tools
