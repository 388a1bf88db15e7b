#!/bin/sh
# Removes what install.sh of the same folder has installed, and asks nothing:
#
#     ./uninstall.sh [PREFIX]
#
# PREFIX is that of the installation: /usr/local for root, and ~/.local for anybody else, unless it
# is given.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
case ${1-} in
-*) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 1 ;;
'') if [ "$(id -u)" = 0 ]; then prefix=/usr/local; else prefix=$HOME/.local; fi ;;
*) prefix=$1 ;;
esac

cd "$here"
find bin share ! -type d | while IFS= read -r name; do rm -f "$prefix/$name"; done
# Folders that only Keyfob had, and are empty now.
find share/doc/keyfob -depth -type d | while IFS= read -r name; do
    rmdir "$prefix/$name" 2>/dev/null || :
done

echo "keyfob: logins remain in each user's keyring, and in ~/.local/share/keyfob and"
echo "keyfob: ~/.local/state/keyfob. Clients that were set up still call keyfob: the command"
echo "keyfob: 'keyfob uninstall' undoes that, before the program is removed."
