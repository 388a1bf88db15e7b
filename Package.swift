// swift-tools-version: 6.2

import Foundation
import PackageDescription

/// What a program prints; nothing if it cannot be run.
func output(of arguments: String...) -> String {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return "" }
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return text
}

/// The headers of what is opened at run time, without its libraries: libsecret by CKeyring, libcurl
/// by CCurl.
let runtimeHeaders = output(of: "pkg-config", "--cflags-only-I", "libsecret-1", "libcurl")
    .split(whereSeparator: \.isWhitespace).map(String.init)

/// What reads untrusted bytes, and the laws that hold for it: tests that replay a corpus, or with
/// KEYFOB_FUZZ=1 (`make fuzz`) a program that searches for what breaks a law.
let isFuzzing = Context.environment["KEYFOB_FUZZ"] != nil
let fuzzing: [Target] = {
    let modules: [Target.Dependency] = [
        "Clients", "Credentials", "Files", "Frontends", "JSON", "MemoryStore", "Registry",
        "Settings", "Stores", "TextEditing", "Web",
    ]
    guard isFuzzing else {
        return [
            .testTarget(
                name: "FuzzTests", dependencies: modules, path: "Tests/Fuzz",
                exclude: ["Corpus", "Fuzz", "CFuzzer"])
        ]
    }
    return [
        .target(name: "FuzzSubjects", dependencies: modules, path: "Tests/Fuzz/Subjects"),
        .systemLibrary(name: "CFuzzer", path: "Tests/Fuzz/CFuzzer"),
        .executableTarget(
            name: "Fuzz", dependencies: ["FuzzSubjects", "CFuzzer"], path: "Tests/Fuzz/Fuzz",
            linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address", "-use-ld=lld"])]),
    ]
}()

/// With KEYFOB_EMBEDDED=1 (`make build`) the package is the helper alone, as Embedded Swift: without
/// Swift's runtime, except for the tables by which it compares strings.
///
/// All files of the helper are then one module. If several modules compile the same function, Swift
/// 6.3.1 numbers the constant arrays in it differently in each module, and the linker keeps one array
/// for each number: in Stores, `Schema.placeNames` returned the names of git for docker.
let isEmbedded = Context.environment["KEYFOB_EMBEDDED"] == "1"
func embeddedTargets() -> [Target] {
    let linking = linkingEmbedded()
    return [
        .executableTarget(
            name: "Helper",
            dependencies: ["CCurl", "CKeyring", "CLibc", "CPlatform", "CSodium", "OneModule"],
            path: "Sources", exclude: ["README.md"],
            sources: [
                "Credentials", "Files", "Frontends", "Helper", "JSON", "Settings", "Stores", "Web",
            ],
            // One module needs none of its imports, of which the compiler warns.
            swiftSettings: [.unsafeFlags(["-suppress-warnings"])], linkerSettings: linking),
        .systemLibrary(name: "OneModule"),
        // Has the faults that end in a trap.
        .executableTarget(
            name: "TrapProbe", dependencies: ["CPlatform"], path: "Tests/TrapProbe",
            linkerSettings: linking),
    ]
}

/// Returns what links an executable of Embedded Swift.
func linkingEmbedded() -> [LinkerSetting] {
    let target = output(of: "swiftc", "-print-target-info")
    func value(of name: String) -> String {
        let start = target.range(of: "\"\(name)\": \"")?.upperBound ?? target.endIndex
        return String(target[start...].prefix { $0 != "\"" })
    }
    let tables =
        value(of: "runtimeResourcePath") + "/embedded/" + value(of: "unversionedTriple")
        + "/libswiftUnicodeDataTables.a"
    return [.unsafeFlags(["-enable-experimental-feature", "Embedded", "-Xlinker", tables])]
}

let package = Package(
    name: "keyfob",
    products: [
        .executable(name: "docker-credential-keyfob", targets: ["Helper"]),
        .executable(name: "keyfob", targets: ["KeyfobCommand"]),
        // For tests alone: preloaded, never linked.
        .library(name: "FaultInjector", type: .dynamic, targets: ["FaultInjector"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2")
    ],
    targets: [
        // What a login is.
        .target(name: "Credentials", dependencies: ["CLibc"]),
        .systemLibrary(name: "CLibc"),

        // Open files, and why they cannot be opened; other programs.
        .target(name: "Files", dependencies: ["Credentials", "CLibc", "CPlatform"]),

        // Where logins are kept.
        .target(
            name: "Stores",
            dependencies: [
                "Credentials", "Files", "JSON", "Web", "CKeyring", "CPlatform", "CSodium",
            ]),
        .target(
            name: "CKeyring",
            cSettings: [
                .unsafeFlags(runtimeHeaders + ["-Wall", "-Wextra", "-Wno-unused-parameter"])
            ]
        ),
        .target(
            name: "CPlatform", cSettings: [.unsafeFlags(["-Wall", "-Wextra"])],
            // The helper needs no function of libm.
            linkerSettings: isEmbedded ? [] : [.linkedLibrary("m")]),
        .systemLibrary(
            name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),

        // How clients ask for them.
        .target(name: "Frontends", dependencies: ["Credentials", "JSON"]),
        .target(name: "JSON", dependencies: ["Credentials"]),

        // What registries say to a login.
        .target(name: "Registry", dependencies: ["Credentials", "JSON", "Web"]),

        // What is asked over the network.
        .target(name: "Web", dependencies: ["Credentials", "CCurl"]),
        .target(
            name: "CCurl", cSettings: [.unsafeFlags(runtimeHeaders + ["-Wall", "-Wextra"])]),

        // What the user has configured.
        .target(name: "Settings", dependencies: ["Credentials", "Files", "JSON", "Stores"]),

        .executableTarget(
            name: "Helper",
            dependencies: [
                "Credentials", "CPlatform", "Files", "Frontends", "Settings", "Stores",
            ]
        ),

        // Edits of texts, which keep what they do not touch.
        .target(name: "TextEditing", dependencies: ["Credentials", "JSON"]),

        // What Keyfob knows of each client: its files, its settings and its words.
        .target(name: "Clients", dependencies: ["Credentials", "Files", "JSON", "TextEditing"]),

        // The command for people.
        .executableTarget(
            name: "KeyfobCommand",
            dependencies: [
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                "Clients", "Credentials", "CPlatform", "Files", "JSON", "Registry", "Settings",
                "Stores", "TextEditing", "Web",
            ]
        ),

        // What tests share: a private place to run programs in, and what every store must do.
        .target(
            name: "Sandbox", dependencies: ["Credentials"], path: "Tests/Sandbox",
            exclude: ["KWallet"]),
        .target(name: "MemoryStore", dependencies: ["Credentials"], path: "Tests/MemoryStore"),
        .target(
            name: "StoreContract", dependencies: ["Credentials"], path: "Tests/StoreContract"),

        // Drives a file store in a process of its own: another user, many at once.
        .executableTarget(
            name: "StoreProbe", dependencies: ["Credentials", "Files", "Stores"],
            path: "Tests/StoreProbe"),

        // Lets the calls of a program fail, one at a time.
        .target(
            name: "FaultInjector", path: "Tests/FaultInjector",
            cSettings: [.unsafeFlags(["-Wall", "-Wextra"])]),

        // Measures whole processes of the helper and its peers, side by side.
        .executableTarget(
            name: "Benchmarks", dependencies: ["Credentials", "Files", "Sandbox", "Stores"],
            path: "Tests/Benchmarks", exclude: ["Floors", "README.md", "Results"]),

        .testTarget(
            name: "SandboxTests", dependencies: ["Helper", "Sandbox"], path: "Tests/SandboxTests"),
        .testTarget(
            name: "CredentialsTests", dependencies: ["Credentials"], path: "Tests/Credentials"),
        .testTarget(
            name: "StoresTests",
            dependencies: [
                "Credentials", "Files", "MemoryStore", "Stores", "StoreContract", "StoreProbe",
                "Sandbox",
            ],
            path: "Tests/Stores", exclude: ["Vectors"]
        ),
        .testTarget(
            name: "FaultsTests",
            dependencies: ["Credentials", "Stores", "Helper", "StoreProbe", "Sandbox"],
            path: "Tests/Faults"
        ),
        .testTarget(
            name: "FrontendsTests",
            dependencies: ["Credentials", "Frontends", "JSON", "Sandbox", "Stores"],
            path: "Tests/Frontends"),
        .testTarget(name: "JSONTests", dependencies: ["Credentials", "JSON"], path: "Tests/JSON"),
        .testTarget(
            name: "ClientFilesTests",
            dependencies: ["Clients", "Credentials", "Files", "Sandbox", "TextEditing"],
            path: "Tests/ClientFiles"),
        .testTarget(
            name: "RegistryTests", dependencies: ["Credentials", "Registry", "Web"],
            path: "Tests/Registry"),
        .testTarget(
            name: "SettingsTests", dependencies: ["Credentials", "Files", "Settings", "Stores"],
            path: "Tests/Settings"),
        .testTarget(
            name: "TranscriptsTests",
            dependencies: ["Credentials", "Helper", "KeyfobCommand", "Sandbox"],
            path: "Tests/Transcripts",
            exclude: ["README.md", "cargo", "docker", "git", "keyfob", "terraform"]),
        .testTarget(
            name: "ProvidersTests",
            dependencies: [
                "Credentials", "Files", "Stores", "StoreContract", "Sandbox", "Helper",
                "KeyfobCommand",
            ],
            path: "Tests/Providers", exclude: ["HostileService"]
        ),
        .testTarget(
            name: "ClientsTests", dependencies: ["Helper", "KeyfobCommand", "Sandbox"],
            path: "Tests/Clients",
            exclude: [
                "crate-registry.py", "docker-engine.py", "git-server.py", "module-registry.py",
                "npm-registry.py", "package-index.py", "plain-server.py", "token-server.py",
                "witness-server.py",
            ]),
        .testTarget(
            name: "RoutesTests",
            dependencies: ["Credentials", "Helper", "KeyfobCommand", "Sandbox"],
            path: "Tests/Routes", exclude: ["engine.py", "rotating-registry.py"]),
        .testTarget(
            name: "OracleTests", dependencies: ["Helper", "KeyfobCommand", "Sandbox"],
            path: "Tests/Oracle", exclude: ["Corpus", "world.py"]),
        .testTarget(
            name: "HardeningTests", dependencies: ["Helper", "KeyfobCommand", "Sandbox"],
            path: "Tests/Hardening",
            exclude: ["memcheck.supp"]),
        .testTarget(
            name: "ReleaseTests", dependencies: ["Credentials", "Sandbox"], path: "Tests/Release"),
        .testTarget(
            name: "ReadmeTests", dependencies: ["Sandbox"], path: "Tests/Readme",
            exclude: ["connect-proxy.py"]),
    ] + fuzzing,
    swiftLanguageModes: [.v6]
)

if isEmbedded {
    package.targets.removeAll {
        !["CCurl", "CKeyring", "CLibc", "CPlatform", "CSodium"].contains($0.name)
    }
    package.targets += embeddedTargets()
    package.products.removeAll { $0.name != "docker-credential-keyfob" }
    package.dependencies = []
}

for target in package.targets where target.type != .system {
    var settings = target.swiftSettings ?? []
    settings += [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .strictMemorySafety(),
    ]
    if isEmbedded {
        settings += [.enableExperimentalFeature("Embedded"), .unsafeFlags(["-wmo"])]
    } else {
        settings.append(.treatAllWarnings(as: .error))
    }
    // Nothing of ours asks what a type's fields are called; keyfob's arguments do.
    if target.name != "KeyfobCommand" {
        settings.append(
            .unsafeFlags(
                ["-Xfrontend", "-disable-reflection-metadata"], .when(configuration: .release)))
    }
    if isFuzzing {
        // Optimised (a release build), and still to be looked into with @testable.
        settings.append(.unsafeFlags(["-enable-testing", "-sanitize=fuzzer,address"]))
    }
    target.swiftSettings = settings
    var cSettings = target.cSettings ?? []
    if isFuzzing {
        cSettings.append(.unsafeFlags(["-fsanitize=fuzzer-no-link,address"]))
    }
    cSettings.append(.treatAllWarnings(as: .error))
    target.cSettings = cSettings
}
