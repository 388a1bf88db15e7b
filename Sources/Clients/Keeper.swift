package import Credentials
package import Files
package import TextEditing

/// A keeper is who answers a client for its logins, as the client's configuration says.
package struct Keeper: Sendable {
    /// As the configuration names it; nil if it names nobody, so that the client keeps its logins in
    /// a file of its own.
    package var name: String?
    package var isOurs = false
    /// Whether Keyfob is asked, be it after others.
    package var isAsked = false
    /// Whether the client looks into its own file besides.
    var readsFile = true
    /// The registries for which the client asks somebody else than for all others, or its own file
    /// (nil).
    package var exceptions: [Exception] = []
    /// The programs that the client would call, and cannot: they are not where it looks for them, or
    /// may not be run.
    package var missing: [String] = []
    /// What besides writes logins down in plain text, and how that is stopped.
    package var leak: (what: String, hint: String)?

    package struct Exception: Sendable {
        package let registry: String
        package let name: String?
        package let isOurs: Bool
    }

    init(_ name: String? = nil, isOurs: Bool = false) {
        self.name = name
        self.isOurs = isOurs
        isAsked = isOurs
        readsFile = name == nil
    }
}

/// A setup plan is how a client is told of Keyfob.
package struct SetupPlan: Sendable {
    /// The file that is changed.
    package let file: ClientFile
    /// What the client calls the setting.
    package let setting: String
    /// Who stands there now, and who will.
    package let before: String?
    package let after: String
    /// What is in the file now; nil: there is no file.
    package let content: Secret?
    /// The change; nil if Keyfob stands there already.
    package let splice: Splice?
    /// What to do next, or to know.
    package var advice: [String] = []
}

extension SetupPlan {
    init(_ setting: some HelperSetting, advice: [String]) throws(StoreError) {
        let content = try setting.file.read()
        let before = try setting.value(in: content)
        if let before, setting.isOurs(before) {
            self.init(
                file: setting.file, setting: setting.name, before: before, after: before,
                content: content, splice: nil)
            return
        }
        let splice = try setting.splice(into: content)
        self.init(
            file: setting.file, setting: setting.name, before: before,
            after: try setting.value(in: splice.applied(to: content)) ?? "", content: content,
            splice: splice, advice: advice)
    }
}

/// A helper setting is the place in a client's configuration where it is told which program keeps
/// its logins.
protocol HelperSetting: Sendable {
    var file: ClientFile { get }

    /// What the client calls it.
    var name: String { get }

    /// What stands there now, as the client writes it; nil if nothing does.
    func value(in content: Secret?) throws(StoreError) -> String?

    /// Whether Keyfob is what stands there.
    func isOurs(_ value: String) -> Bool

    /// How the content is changed so that Keyfob stands there. Throws `failed` if that cannot be done
    /// without losing something.
    func splice(into content: Secret?) throws(StoreError) -> Splice
}
