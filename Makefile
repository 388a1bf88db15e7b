# Keyfob: what can be done here. `make help` lists it.

PREFIX ?= /usr/local
DESTDIR ?=
JOBS ?= $(shell nproc)

version := $(shell sed -n 's/.*current = "\(.*\)"/\1/p' Sources/Settings/Version.swift)

helper = docker-credential-keyfob
EXECUTABLES = $(helper) keyfob
# Whether the helper is made as Embedded Swift; otherwise with Swift's full runtime, seven times as large.
EMBEDDED ?= 1
# Other names of docker-credential-keyfob, each for another protocol or another client of one.
NAMES := $(filter-out $(EXECUTABLES),$\
	$(shell sed -n 's/.* = "\(.*\)"/\1/p' Sources/Credentials/ProgramName.swift))
RELEASE = .build/release
# What completes a command line of keyfob's, made by keyfob itself.
completions = .build/completions

bin = $(DESTDIR)$(PREFIX)/bin
doc = $(DESTDIR)$(PREFIX)/share/doc/keyfob
man = $(DESTDIR)$(PREFIX)/share/man
bash_completion = $(DESTDIR)$(PREFIX)/share/bash-completion/completions/keyfob
zsh_completion = $(DESTDIR)$(PREFIX)/share/zsh/$(zsh_functions)/_keyfob
fish_completion = $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/keyfob.fish
# The manual pages. A name ends in its section.
pages := $(notdir $(wildcard packaging/man/*.[1-9]))
documents = README.md SECURITY.md LICENSE packaging/CHANGELOG.md
# Each lies in the folder that it is an example of.
examples = registries.conf.d/keyfob.conf $(addprefix routes/,aws.json azure.json fleet.json \
	github.json gitlab-ci.json google.json)
# Debian's zsh looks for what packages complete in a folder of its own.
zsh_functions = $(if $(and $(filter /usr,$(PREFIX)),$(wildcard /etc/debian_version)),$\
	vendor-completions,site-functions)

# What a bare Debian lacks to build Keyfob: a C and C++ toolchain for Swift to link with, the
# libraries that Swift's own tools are linked with, and the headers of what Keyfob uses.
BUILD_PACKAGES = g++ pkg-config libcurl4 libncurses6 libsqlite3-0 libxml2 \
	libcurl4-openssl-dev libsecret-1-dev libsodium-dev
# What the tests run: a keyring on a private bus, a registry, the clients, and the helper that
# Keyfob shares a keyring with.
TEST_PACKAGES = gnome-keyring gcr xvfb xdotool keepassxc libkf5wallet-bin libqca-qt5-2-plugins \
	dbus-daemon libglib2.0-bin libsecret-tools docker-registry apache2-utils openssl \
	ca-certificates docker-compose podman skopeo buildah uidmap golang-docker-credential-helpers \
	pass gnupg \
	awscli amazon-ecr-credential-helper python3-pip \
	strace time valgrind keyutils openssh-server openssh-client sudo swtpm tpm2-tools \
	zsh fish man-db mandoc git python3-dbus python3-gi $(if $(shell command -v docker),,docker.io) \
	$(if $(shell command -v runc),,runc)

# COMMON_FLAGS make both executables, and RELEASE_FLAGS those with Swift's full runtime. The Swift runtime
# and the C++ library are linked in, with no run path, every symbol bound at the start, and stripped: the
# executables run where there is no Swift. `static` holds the C++ library's archive and nothing else, so that
# the linker can find no other. Nothing in them throws a C++ exception, so they need no table to unwind by.
# They export no symbol, so that code that is not used is left out. Identical functions are kept once, unless
# their address is taken. Nothing in them tells one build of a commit from another, in whatever folder it was:
# no build ID, nothing for a debugger, folders as seen from this one, and no hash of the compiler's options.
static = .build/static
RELEASE_FLAGS = $(COMMON_FLAGS) --static-swift-stdlib
COMMON_FLAGS = --configuration release --disable-local-rpath -Xlinker -s -Xlinker -z -Xlinker now \
	-Xlinker -L$(static) -Xswiftc -Xfrontend -Xswiftc -function-sections \
	-Xswiftc -Xclang-linker -Xswiftc -static-libgcc \
	-Xswiftc -Osize -Xlinker --no-eh-frame-hdr -Xlinker --icf=safe -Xlinker --no-export-dynamic \
	-Xlinker --build-id=none -Xswiftc -gnone \
	-Xswiftc -Xfrontend -Xswiftc -disable-incremental-llvm-codegen \
	-Xswiftc -file-prefix-map -Xswiftc "$(CURDIR)=." -Xcc "-ffile-prefix-map=$(CURDIR)=."

build_embedded = KEYFOB_EMBEDDED=1 swift build --force-resolved-versions --jobs $(JOBS) \
	--scratch-path .build-embedded $(COMMON_FLAGS)

# Not $(MAKE) itself: `make -n` runs every recipe in which that is written, the whole of it here.
make = $(MAKE)

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help
.PHONY: build run test check soak picture trixie bench fuzz sanitize lint format install uninstall clean help build-packages bench-packages test-packages

build: build-packages ## Build the release executables into .build/release
	@mkdir -p $(static)
	ln -sf "$$(gcc -print-file-name=libstdc++.a)" $(static)/
	swift build --jobs $(JOBS) $(RELEASE_FLAGS) --product keyfob
	if [[ $(EMBEDDED) == 1 ]]; then
		$(build_embedded) --product $(helper)
		install .build-embedded/release/$(helper) $(RELEASE)/$(helper)
	else
		swift build --jobs $(JOBS) $(RELEASE_FLAGS) --product $(helper)
	fi
	mkdir -p $(completions)
	for shell in bash zsh fish; do
		# Read by a shell, never run: without a line that names one.
		$(RELEASE)/keyfob --generate-completion-script $$shell | sed '1{/^#!/d}' \
			>$(completions)/$$shell
	done

run: build ## Store, get, list and erase a made-up login, to see Keyfob at work
	@helper=$(CURDIR)/$(RELEASE)/$(helper)
	scratch=$$(mktemp -d)
	server=https://registry-$$$$.keyfob.example
	export XDG_CONFIG_HOME=$$scratch/config XDG_DATA_HOME=$$scratch/data
	export XDG_STATE_HOME=$$scratch/state KEYFOB_PROMPT=never
	unset KEYFOB_KEY_FILE KEYFOB_PASSPHRASE CREDENTIALS_DIRECTORY
	trap 'printf %s "$$server" | "$$helper" erase >/dev/null 2>&1 || :; rm -rf "$$scratch"' EXIT

	echo "\$$ docker-credential-keyfob version"
	"$$helper" version

	secret=$$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
	login="{\"ServerURL\":\"$$server\",\"Username\":\"alice\",\"Secret\":\"$$secret\"}"
	echo "\$$ docker-credential-keyfob store    # $$server, user alice, a random secret"
	export KEYFOB_STORE=secret-service
	if reason=$$("$$helper" store 2>/dev/null <<<"$$login"); then
		echo "stored in your keyring"
	else
		echo "no keyring to use here: $$reason"
		export KEYFOB_STORE=file
		"$$helper" store <<<"$$login"
		echo "stored in an encrypted file, in a folder made for this run"
	fi

	echo "\$$ docker-credential-keyfob get"
	answer=$$(printf %s "$$server" | "$$helper" get)
	echo "$${answer/$$secret/(the secret, as it was stored)}"
	[[ $$answer == *"\"Username\":\"alice\""* && $$answer == *"\"Secret\":\"$$secret\""* ]]

	echo "\$$ docker-credential-keyfob list     # of that server"
	list=$$("$$helper" list)
	[[ $$list == *"\"$$server\":\"alice\""* ]]
	echo "\"$$server\":\"alice\""

	echo "\$$ docker-credential-keyfob erase"
	printf %s "$$server" | "$$helper" erase

	echo "\$$ docker-credential-keyfob get"
	if answer=$$(printf %s "$$server" | "$$helper" get); then exit 1; fi
	echo "$$answer"
	[[ $$answer == "credentials not found in native keychain" ]]

test: build test-packages ## Run the tests, with real keyrings, registries and clients
	@$(build_tests)
	$(run_tests)

define build_tests
$(build_embedded) --product TrapProbe
swift build --jobs $(JOBS) --build-tests
endef

# With the release builds in place of the programs that have been built for the tests.
# Most tests wait for programs, and one process runs only as many at once as there are processors: so
# two run at once, each with half of the work. They only read what is built, and need no lock for that.
FIRST_HALF = ClientsTests|FaultsTests|HardeningTests|OracleTests|ReadmeTests
define run_tests
export KEYFOB_HELPER=$(CURDIR)/$(RELEASE)/$(helper) KEYFOB_COMMAND=$(CURDIR)/$(RELEASE)/keyfob
half() { swift test --disable-xctest --skip-build --ignore-lock "$${@:2}" 2>&1 | tee .build/$$1.log; }
half first-half --filter '^($(FIRST_HALF))\.' & first=$$!
half second-half --skip '^($(FIRST_HALF))\.' & second=$$!
failed=0
wait $$first || failed=1
wait $$second || failed=1
grep -h 'Test run with' .build/first-half.log .build/second-half.log
sed -n 's/.*Test run with \([0-9]*\) tests.*/\1/p' .build/first-half.log .build/second-half.log |
	awk '{ tests += $$1; halves += 1 } END { print tests " tests in all"; exit halves != 2 }'
exit $$failed
endef

# The tests that need no keyring, client or registry.
CHECKED_TESTS = CredentialsTests|FrontendsTests|JSONTests|SettingsTests|RegistryTests|StoresTests|$\
	ClientFilesTests|TranscriptTests|CorpusTests|SentenceTests

check: build-packages ## Run the tests that need no package but those for building
	@swift build --jobs $(JOBS) --build-tests
	swift test --disable-xctest --skip-build --filter '$(CHECKED_TESTS)'

soak: build test-packages ## Run all tests, also those that take long
	@$(build_tests)
	export KEYFOB_SOAK=1
	$(run_tests)

picture: build test-packages ## Draw the picture in the README
	@swift build --jobs $(JOBS) --build-tests
	KEYFOB_DRAW=1 swift test --disable-xctest --skip-build --filter PictureTests

# Debian 13, in a folder of its own, with the same packages under the names that they have there.
trixie = .build-trixie/root
trixie_packages = $(subst libkf5wallet-bin,kwallet6,$(subst libqca-qt5-2-plugins,libqca-qt6-plugins,$\
	$(filter-out docker.io,$(BUILD_PACKAGES) $(TEST_PACKAGES)))) docker-cli
TRIXIE_TESTS ?= ClientsTests|ProvidersTests

trixie: build-packages test-packages deb-test-packages ## Run the tests of clients and keyrings in Debian 13
	@swift build --jobs $(JOBS) --build-tests
	as_root=
	[[ $$(id -u) == 0 ]] || as_root="sudo --preserve-env=PATH,RUSTUP_HOME"
	$$as_root Tests/Trixie/run $(trixie) $(MIRROR) '$(TRIXIE_TESTS)' $(trixie_packages)

# What is measured beside the helper, and what measuring needs.
BENCH_PACKAGES = gnome-keyring dbus-daemon libglib2.0-bin libsecret-tools \
	golang-docker-credential-helpers pass gnupg
# How often each program is run, and the folder that gets results.json and cost.svg.
ROUNDS ?= 41
RESULTS ?= .build/benchmarks
floors = .build/benchmarks/floors

bench: build bench-packages ## Measure the helper beside others
	@mkdir -p $(floors) $(RESULTS)
	for floor in nothing peak-memory; do
		cc -O2 -o $(floors)/$$floor Tests/Benchmarks/Floors/$$floor.c
	done
	cc -O2 -o $(floors)/libsecret-get Tests/Benchmarks/Floors/libsecret-get.c \
		$$(pkg-config --cflags --libs libsecret-1)
	swift build --jobs $(JOBS) $(RELEASE_FLAGS) --product Benchmarks
	$(RELEASE)/Benchmarks $(floors) $(RESULTS) $(ROUNDS)

# How long each subject is searched, and what libFuzzer takes besides.
FUZZ_SECONDS ?= 60
FUZZ_FLAGS ?= -use_value_profile=1

fuzz: build-packages ## Fuzz the code that reads untrusted bytes
	@export KEYFOB_FUZZ=1 SWIFT_BACKTRACE=enable=no
	found=.build-fuzz/found
	swift build --jobs $(JOBS) --configuration release --scratch-path .build-fuzz --product Fuzz
	for corpus in Tests/Fuzz/Corpus/*; do
		subject=$${corpus##*/}
		mkdir -p $$found/$$subject
		echo "$$subject: $(FUZZ_SECONDS) s"
		if .build-fuzz/release/Fuzz $(FUZZ_FLAGS) -max_total_time=$(FUZZ_SECONDS) \
			-print_final_stats=1 -artifact_prefix=$$found/$$subject- \
			$$found/$$subject $$corpus -ignore_remaining_args=1 $$subject \
			>$$found/$$subject.log 2>&1; then
			grep -E '^#.*(INITED|DONE)|number_of_executed_units' $$found/$$subject.log
		else
			tail -40 $$found/$$subject.log
			exit 1
		fi
	done

# The tests that reach the C targets, and so the libraries below them. Leaks are memcheck's to
# find: the helper ends without the exit at which AddressSanitizer looks for them.
SANITIZED_TESTS = ProvidersTests|RegistryTests|TranscriptsTests
SANITIZE_FLAGS = --disable-xctest --scratch-path .build-asan --sanitize=address \
	-Xcc -fsanitize=undefined -Xcc -fno-sanitize-recover=undefined

sanitize: build-packages test-packages ## Run tests with sanitizers, and the helper under valgrind
	@swift build --jobs $(JOBS) --build-tests $(SANITIZE_FLAGS)
	ASAN_OPTIONS=detect_leaks=0:disable_coredump=0 swift test --skip-build $(SANITIZE_FLAGS) \
		--filter '$(SANITIZED_TESTS)'
	swift build --jobs $(JOBS) --build-tests
	KEYFOB_MEMCHECK=1 swift test --disable-xctest --skip-build --filter MemcheckTests

lint: ## Check the format of the sources; silent on success
	@swift format lint --strict --recursive Sources Tests Package.swift

format: ## Format the sources
	@swift format --in-place --recursive Sources Tests Package.swift

install: ## Install into PREFIX (/usr/local), inside DESTDIR
	@for executable in $(EXECUTABLES); do
		[[ -x $(RELEASE)/$$executable ]] || $(make) build
		install -D -m 755 $(RELEASE)/$$executable "$(bin)/$$executable"
	done
	for name in $(NAMES); do ln -sf docker-credential-keyfob "$(bin)/$$name"; done
	for page in $(pages); do
		install -D -m 644 packaging/man/$$page "$(man)/man$${page##*.}/$$page"
	done
	install -D -m 644 $(completions)/bash "$(bash_completion)"
	install -D -m 644 $(completions)/zsh "$(zsh_completion)"
	install -D -m 644 $(completions)/fish "$(fish_completion)"
	install -D -m 644 -t "$(doc)" $(documents)
	for example in $(examples); do
		install -D -m 644 packaging/examples/$$example "$(doc)/examples/$$example"
	done

uninstall: ## Remove what make install has installed
	@for name in $(EXECUTABLES) $(NAMES); do rm -f "$(bin)/$$name"; done
	for page in $(pages); do rm -f "$(man)/man$${page##*.}/$$page"; done
	rm -f "$(bash_completion)" "$(zsh_completion)" "$(fish_completion)"
	for document in $(documents); do rm -f "$(doc)/$${document##*/}"; done
	for example in $(examples); do
		rm -f "$(doc)/examples/$$example"
		(cd "$(doc)" && rmdir -p "examples/$${example%/*}") 2>/dev/null || :
	done
	rmdir "$(doc)" 2>/dev/null || :
	echo "keyfob: logins remain in each user's keyring, and in ~/.local/share/keyfob and"
	echo "keyfob: ~/.local/state/keyfob. Clients that were set up still call keyfob: the command"
	echo "keyfob: 'keyfob uninstall' undoes that, before the program is removed."

# A release by its name and number; its source, its Debian package, and where that is built.
release = keyfob-$(version)
tarball = .build/dist/$(release).tar.gz
deb_folder = .build/deb
deb_build = $(deb_folder)/$(release)
deb = $(wildcard $(deb_folder)/keyfob_$(version)-*.deb)
DEB_PACKAGES = debhelper dpkg-dev lintian
# The Debian releases that the package must run on, and where their packages come from.
SUITES ?= bookworm trixie
MIRROR ?= http://deb.debian.org/debian
DEB_TEST_PACKAGES = debootstrap
RECIPE_PACKAGES = rpm rpmlint makepkg

# What is unpacked and installed on any Linux with glibc 2.34 or newer: libsodium is linked in, from
# the archive that `archives` holds beside the C++ library's.
portable = $(release)-linux-$(shell uname -m)
portable_tarball = .build/dist/$(portable).tar.gz
archives = .build/archives

.PHONY: release dist tarball pack tarball-test deb deb-test reproducible recipes versions \
	release-check deb-packages deb-test-packages recipe-packages

dist: ## Make a source tarball of the committed files, in .build/dist
	@mkdir -p $(dir $(tarball))
	git -c tar.umask=0022 archive --prefix=$(release)/ HEAD | gzip -n -9 >$(tarball)

tarball: build-packages ## Make a tarball of the programs for any Linux with glibc 2.34, in .build/dist
	@mkdir -p $(archives)
	ln -sf "$$(gcc -print-file-name=libsodium.a)" $(archives)/
	# The package manager looks for a library where pkg-config says, before all other folders.
	printf '%s\n' 'Name: libsodium' 'Description: the archive' 'Version: 1' \
		'Libs: -L$(CURDIR)/$(archives) -lsodium' >$(archives)/libsodium.pc
	PKG_CONFIG_PATH=$(CURDIR)/$(archives) $(make) build static=$(archives)
	# Whatever comes of it, the programs are then linked as before.
	trap '$(make) build' EXIT
	for executable in $(EXECUTABLES); do
		if readelf --dynamic $(RELEASE)/$$executable | grep -F libsodium >&2; then exit 1; fi
	done
	$(make) pack

# Packs what has been built.
pack:
	@stage=$$(mktemp -d)
	trap 'rm -rf "$$stage"' EXIT
	$(make) install PREFIX= DESTDIR="$$stage/$(portable)"
	cp packaging/portable/*.sh "$$stage/$(portable)"
	cp /usr/share/doc/libsodium-dev/copyright \
		"$$stage/$(portable)/share/doc/keyfob/copyright-of-libsodium"
	mkdir -p $(dir $(portable_tarball))
	tar -C "$$stage" --sort=name --owner=0 --group=0 --numeric-owner --mode=go-w \
		--mtime="@$$(git log -1 --format=%ct)" -c $(portable) | gzip -n -9 >$(portable_tarball)

tarball-test: deb-test-packages ## Try the tarball in fresh Debian 12 and 13 systems
	@[[ -e $(portable_tarball) ]] || { echo "there is none yet: make tarball" >&2; exit 1; }
	as_root=
	[[ $$(id -u) == 0 ]] || as_root=sudo
	for suite in $(SUITES); do
		$$as_root packaging/tarball-test $$suite $(MIRROR) $(portable_tarball)
	done

deb: build-packages deb-packages dist ## Build the Debian package of the committed files, in .build/deb
	@rm -rf $(deb_folder)
	mkdir -p $(deb_folder)
	tar -xzf $(tarball) -C $(deb_folder)
	cd $(deb_build)
	cp -r packaging/debian debian
	# Fetched beforehand, so that the package itself is built without the network.
	swift package resolve
	env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS \
		dpkg-buildpackage --build=binary --no-sign
	cd ..
	lintian --allow-root --fail-on=error,warning --pedantic keyfob_*.deb

deb-test: deb-test-packages ## Try the built Debian package in fresh Debian 12 and 13 systems
	@[[ "$(deb)" ]] || { echo "there is no package yet: make deb" >&2; exit 1; }
	as_root=
	[[ $$(id -u) == 0 ]] || as_root=sudo
	for suite in $(SUITES); do
		$$as_root packaging/debian-test $$suite $(MIRROR) $(deb)
	done

reproducible: ## Build the Debian package in two folders and compare; print the hashes
	@hashes() {
		cd "$$1"
		sha256sum $(EXECUTABLES:%=$(release)/$(RELEASE)/%) keyfob_$(version)-*.deb
	}
	$(make) deb
	$(make) deb deb_folder=.build/deb-again
	first=$$(hashes $(deb_folder))
	second=$$(hashes .build/deb-again)
	diff <(echo "$$first") <(echo "$$second")
	echo "$$first"
	rm -rf .build/deb-again

# makepkg asks for pacman by name, and does not run as root.
recipes: recipe-packages dist ## Check the recipes for RPM and Arch Linux
	@rpmbuild --nobuild --nodeps --define "_topdir $(CURDIR)/.build/rpm" \
		--define "_sourcedir $(CURDIR)/$(dir $(tarball))" packaging/rpm/keyfob.spec
	rpmlint packaging/rpm/keyfob.spec
	scratch=$$(mktemp -d)
	trap 'rm -rf "$$scratch"' EXIT
	cp packaging/arch/PKGBUILD "$$scratch"
	as_nobody=
	if [[ $$(id -u) == 0 ]]; then
		chown -R nobody "$$scratch"
		as_nobody="setpriv --reuid nobody --regid nogroup --clear-groups"
	fi
	cd "$$scratch"
	PACMAN=true $$as_nobody makepkg --printsrcinfo

versions: ## Check that every file names the same version
	@number='\([^ -]*\)'
	while read -r file pattern; do
		found=$$(sed -n "s/^$${pattern/NUMBER/$$number}.*/\1/p" "$$file" | head -1)
		[[ $$found == $(version) ]] ||
			{ echo "$$file: $${found:-nothing}, but the version is $(version)" >&2; exit 1; }
	done <<-END
		packaging/CHANGELOG.md ## NUMBER (
		packaging/debian/changelog keyfob (NUMBER-
		packaging/rpm/keyfob.spec Version: *NUMBER
		packaging/rpm/keyfob.spec \* .* NUMBER-
		packaging/arch/PKGBUILD pkgver=NUMBER
	END

release: deb tarball ## Make all that is published, with its checksums, in .build/dist
	@cp $(deb_folder)/keyfob_$(version)-*.deb $(dir $(tarball))
	cd $(dir $(tarball))
	sha256sum keyfob-$(version)*.tar.gz keyfob_$(version)-*.deb >SHA256SUMS
	cat SHA256SUMS

release-check: ## Run everything that must pass before a release
	@changes=$$(git status --porcelain)
	[[ ! $$changes ]] || { echo "not committed:"; echo "$$changes"; exit 1; } >&2
	for target in lint versions recipes test reproducible deb-test tarball tarball-test; do
		echo "make $$target"
		$(make) $$target
	done

clean: ## Remove what has been built
	@rm -rf --one-file-system .build .build-asan .build-embedded .build-fuzz .build-trixie

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

# Installs the packages that are missing; does nothing if none is.
define install-packages
@command -v dpkg-query >/dev/null || exit 0
missing=
for package in $(1); do
	[[ $$(dpkg-query -W -f '$${db:Status-Status}' $$package 2>/dev/null) == installed ]] ||
		missing+=" $$package"
done
[[ $$missing ]] || exit 0
echo "Installing with apt-get:$$missing"
as_root=
[[ $$(id -u) == 0 ]] || as_root=sudo
$$as_root apt-get update -q
$$as_root env DEBIAN_FRONTEND=noninteractive \
	apt-get install -q -y --no-install-recommends $$missing
endef

build-packages:
	$(call install-packages,$(BUILD_PACKAGES))

bench-packages:
	$(call install-packages,$(BENCH_PACKAGES))

test-packages:
	$(call install-packages,$(TEST_PACKAGES))

deb-packages:
	$(call install-packages,$(DEB_PACKAGES))

deb-test-packages:
	$(call install-packages,$(DEB_TEST_PACKAGES))

recipe-packages:
	$(call install-packages,$(RECIPE_PACKAGES))
