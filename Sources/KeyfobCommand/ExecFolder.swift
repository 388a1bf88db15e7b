internal import Credentials
internal import Files
internal import Settings

/// An exec folder is the folder to which one run of a client writes its login. It has a copy of the
/// client's settings.
struct ExecFolder: ~Copyable {
    let folder: RunFolder
    private let settings: ClientFile
    private let copied: Secret?

    /// `settings` is a file that the client keeps in the folder of its logins.
    init(_ invocation: Invocation, settings: ClientFile) throws(StoreError) {
        let folder = try RunFolder(
            in: invocation.directories.runtime ?? invocation.directories.state)
        let copied = try settings.read()
        if let copied {
            try ClientFile(folder.path + "/" + settings.name).edit { _ throws(StoreError) in copied
            }
        }
        self.folder = folder
        self.settings = settings
        self.copied = copied
    }

    /// Copies the settings back if the client has changed them, and removes the folder.
    consuming func remove() {
        do throws(StoreError) {
            if let now = try ClientFile(folder.path + "/" + settings.name).read(), now != copied {
                try settings.edit { _ throws(StoreError) in now }
            }
        } catch {
            Console().report(error)
        }
        do throws(StoreError) { try folder.remove() } catch { Console().report(error) }
    }
}
