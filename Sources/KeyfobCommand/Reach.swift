internal import Clients
internal import Credentials
internal import Files

/// The way from a client to Keyfob: its setting, and the program that it runs.
extension Client {
    /// Returns the plan of a setup, and the program that it names. Throws `failed` if the setup would
    /// fail.
    func possiblePlan(
        for registry: String?, in surroundings: Surroundings
    ) throws(StoreError) -> (plan: SetupPlan, program: String) {
        let plan = try plan(for: registry, in: surroundings)
        let program = try surroundings.program(self.program?.rawValue ?? "", for: self)
        if plan.splice != nil { try plan.file.requireEditable() }
        return (plan, program)
    }

    /// Returns the programs that the client would run, and cannot.
    func missing(of keeper: Keeper, in surroundings: Surroundings) -> [String] {
        guard keeper.isOurs, keeper.account == nil, link(in: surroundings) == nil,
            let program = program?.rawValue, !keeper.missing.contains(program),
            surroundings.program(program) == nil
        else { return keeper.missing }
        return keeper.missing + [program]
    }

    /// Returns why the client could not get a login from Keyfob; nil if it could. `isAsked` says that
    /// its configuration names Keyfob for the login already.
    func refusal(isAsked: Bool, in surroundings: Surroundings) -> StoreError? {
        guard program != nil, installed(in: surroundings) != nil else { return nil }
        do throws(StoreError) {
            let keeper = try keeper(in: surroundings)
            let ours = missing(of: keeper, in: surroundings).first { path in
                ProgramName.reading(path.split(separator: "/").last.map(String.init) ?? "") != nil
            }
            if isAsked, let ours {
                throw StoreError(
                    .programNotRun, "\(name) cannot run \(ours): not found, or not executable",
                    hint: "see: keyfob status")
            }
            if !isAsked, !keeper.isAsked { _ = try possiblePlan(for: nil, in: surroundings) }
            return nil
        } catch {
            return error
        }
    }
}
