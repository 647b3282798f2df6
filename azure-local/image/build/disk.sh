# Runs in a shell that may give files to anyone (`sh -euc`, below fakeroot unless it is root's); $1 is the build's folder.
# Turns root.tar into kernel, initramfs and disk.raw, which exists and has its size.
cd "$1"
tar --extract --file root.tar --directory root --exclude './dev/*'
mv root/boot/kernel root/boot/initramfs .
chmod 0644 kernel initramfs
# The file is sparse and reads as zeros: nothing is left for the guest's kernel to initialize.
mkfs.ext4 -q -F -L ROOT -m 1 -E lazy_itable_init=1,lazy_journal_init=1 -d root disk.raw
chmod 0444 disk.raw
rm -rf root
