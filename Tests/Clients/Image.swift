import Sandbox
import Testing

/// An image of one layer with one file, in an archive as docker saves it.
struct Image {
    let archive: String

    init(in sandbox: Sandbox) throws {
        try sandbox.write("hello\n", to: "image/hello")
        let folder = sandbox.file("image")
        func tar(_ archive: String, _ files: String...) throws {
            let outcome = try sandbox.program(
                ["tar", "-C", folder, "-cf", "\(folder)/\(archive)"] + files
            ).run()
            try #require(outcome.succeeded, "\(outcome.errors)")
        }
        try tar("layer.tar", "hello")
        let digest = try sandbox.run("sha256sum", "\(folder)/layer.tar").output.prefix(64)
        try sandbox.write(
            """
            {"architecture": "amd64", "os": "linux", "config": {},
             "rootfs": {"type": "layers", "diff_ids": ["sha256:\(digest)"]}}
            """, to: "image/config.json")
        try sandbox.write(
            #"[{"Config": "config.json", "RepoTags": [], "Layers": ["layer.tar"]}]"#,
            to: "image/manifest.json")
        try tar("image.tar", "manifest.json", "config.json", "layer.tar")
        archive = "\(folder)/image.tar"
    }
}
