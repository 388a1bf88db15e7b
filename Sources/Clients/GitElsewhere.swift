internal import Credentials
internal import Files

/// The use that git makes of the files of its helper `store` in other folders than the current one,
/// and after a setup.
struct GitElsewhere: Sendable {
    /// The configuration that git reads outside of every repository; nil if it cannot be read.
    private let outside: GitConfiguration?
    /// The files that it includes in some folders.
    private let conditional: [GitConfiguration]
    /// The reason why a setup fails; nil if it does not, or if none is needed.
    private let refusal: String?

    init(_ conditional: [GitConfiguration], _ surroundings: Surroundings) {
        self.conditional = conditional
        outside = try? GitConfiguration(surroundings, outside: true)
        let isSetUp = outside?.answering(.any).helpers.contains(where: \.isOurs) == true
        refusal = isSetUp ? nil : Git().setupRefusal(in: surroundings)
    }

    /// Adds to a use the reason why a login of the file must stay, if there is one. `here` is what
    /// git reads in the current folder.
    func judge(
        _ use: inout GitCredentials.Use, of file: ClientFile, for login: Entry,
        _ here: GitConfiguration
    ) {
        let address = GitAddress(login.attributes)
        func reads(_ helpers: [GitHelper]) -> Bool { helpers.contains { $0.reads(file) } }
        func asksUs(_ helpers: [GitHelper]) -> Bool { helpers.contains(where: \.isOurs) }
        let asked = here.answering(address).helpers
        for some in conditional {
            let (emptied, helpers) = some.answering(address)
            guard let path = some.file?.path, reads(helpers) else { continue }
            if !reads(asked) {
                use.disuse = use.disuse ?? "git reads this file only where it includes \(path)"
            } else if emptied != nil, !asksUs(helpers) {
                use.refusal = "git does not ask Keyfob for it where it includes \(path)"
            }
        }
        guard asksUs(asked) else { return use.refusal = use.refusal ?? refusal }
        if let elsewhere = outside?.answering(address).helpers, !asksUs(elsewhere), reads(elsewhere)
        {
            use.refusal = "git asks Keyfob for it only in this folder"
        }
    }
}
