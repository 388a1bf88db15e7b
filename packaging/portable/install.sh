#!/bin/sh
# Installs Keyfob from the folder of this script, and asks nothing:
#
#     ./install.sh [PREFIX]
#
# PREFIX is /usr/local for root, and ~/.local for anybody else, unless it is given. A program that
# is running meanwhile goes on with the old file.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
case ${1-} in
-*) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 1 ;;
'') if [ "$(id -u)" = 0 ]; then prefix=/usr/local; else prefix=$HOME/.local; fi ;;
*) prefix=$1 ;;
esac

umask 022
mkdir -p "$prefix"
prefix=$(cd "$prefix" && pwd)
cd "$here"
find bin share ! -type d | while IFS= read -r name; do
    mkdir -p "$prefix/${name%/*}"
    # A new file under another name takes the old one's place: a running program cannot be written.
    cp -P "$name" "$prefix/$name.new"
    mv -f "$prefix/$name.new" "$prefix/$name"
done

echo "keyfob: installed in $prefix; to remove it: $here/uninstall.sh $prefix"
case :$PATH: in
*:"$prefix/bin":*) ;;
*) echo "keyfob: hint: $prefix/bin is not on your PATH, where clients look for their helpers" ;;
esac
