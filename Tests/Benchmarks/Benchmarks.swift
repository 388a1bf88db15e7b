import Foundation
import Sandbox

/// Measures whole processes of ours, of the peers that Debian has, and of floors written in C, side
/// by side:
///
///     Benchmarks FLOORS RESULTS ROUNDS
///
/// FLOORS is the folder with the floors; RESULTS gets `results.json` and `cost.svg`.
@main
struct Benchmarks {
    static func main() {
        do {
            try measure()
        } catch {
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            exit(1)
        }
    }

    private static func measure() throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 4, let rounds = Int(arguments[3]), rounds > 0 else {
            throw SandboxError("usage: Benchmarks FLOORS RESULTS ROUNDS")
        }
        var benchmarks = try Benchmarks(floors: arguments[1], rounds: rounds)
        try benchmarks.run()
        let results = URL(fileURLWithPath: arguments[2], isDirectory: true)
        try benchmarks.report.json.write(to: results.appending(path: "results.json"))
        try Data(Plot(benchmarks.report).svg.utf8).write(to: results.appending(path: "cost.svg"))
        print(benchmarks.report.table)
    }

    private let floors: String
    private let rounds: Int
    private let nothing: Launch
    private let sandbox: Sandbox
    private var report: Report

    private init(floors: String, rounds: Int) throws {
        self.floors = floors
        self.rounds = rounds
        sandbox = try Sandbox()
        nothing = try Launch(["\(floors)/nothing"], in: sandbox)
        report = Report(rounds: rounds)
    }

    private mutating func run() throws {
        try measureStart()
        say("filling keyrings")
        let keyrings = [
            try Surroundings.keyring(logins: 1),
            try Surroundings.keyring(logins: 50, others: 1000),
            try Surroundings.keyring(logins: 500),
        ]
        try measureKeyrings(keyrings)
        say("filling files and password stores")
        let files = try [1, 100, 1000, 10_000].map(Surroundings.file(logins:))
        try measureFiles(files)
        try measureManyAtOnce(keyrings[0], atLeast: 1.15)
        try measureManyAtOnce(files[0], atLeast: 8)
        try measureMemory(keyrings[0], atMost: 10)
        try measureMemory(files[0], atMost: 4)
    }

    private func say(_ line: String) { FileHandle.standardError.write(Data("\(line)\n".utf8)) }

    // MARK: What is measured

    private mutating func measureStart() throws {
        let version = Case(program: ours, action: "version", place: .none, logins: 0)
        var experiment = Experiment(nothing: nothing)
        experiment.add(version, try Launch([helper, "version"], in: sandbox))
        let measurements = try measure(experiment, "version")
        report.add(
            "version, to a program that does nothing",
            measurements.ratio(of: version, to: .nothing).median, atMost: 1.35)
        let path = "\(Sandbox.products)/\(helper)"
        let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
        report.add("stripped helper", Double(size) / 1e6, unit: "MB", atMost: 1.2)
    }

    private mutating func measureKeyrings(_ keyrings: [Surroundings]) throws {
        let gets = try measureGets(keyrings, floor: "libsecret-get")
        for keyring in keyrings {
            let get = keyring.measured(ours, "get")
            report.add(
                "\(name(get)), to secretservice's",
                gets.ratio(of: get, to: get.by(keyring.peer)).median, atMost: 0.74)
        }
        if let first = keyrings.first, let last = keyrings.last {
            report.add(
                "keyring get of a server that is not there, 500 logins, to get of the only login",
                gets.ratio(of: last.measured(ours, absent), to: first.measured(ours, "get")).median,
                atMost: 1.3)
        }
        for keyring in keyrings {
            let changes = try measureChanges(keyring)
            for (action, limit) in [("store", 1.1), ("erase", 0.9)] {
                let change = keyring.measured(ours, action)
                report.add(
                    "\(name(change)), to secretservice's",
                    changes.ratio(of: change, to: change.by(keyring.peer)).median, atMost: limit)
            }
        }
        let lists = try measureLists(keyrings)
        for (keyring, limit) in zip(keyrings, [nil, 0.22, 0.12]) {
            let list = keyring.measured(ours, "list")
            report.add(
                "\(name(list)), to secretservice's",
                lists.ratio(of: list, to: list.by(keyring.peer)).median, atMost: limit)
        }
    }

    private mutating func measureFiles(_ files: [Surroundings]) throws {
        let gets = try measureGets(files, floor: nil)
        guard let first = files.first, let last = files.last else { return }
        let get = first.measured(ours, "get")
        report.add(
            "\(name(get)), to pass's", gets.ratio(of: get, to: get.by(first.peer)).median,
            atMost: 0.035)
        report.add(
            "file get, 10,000 logins, to 1 login",
            gets.ratio(of: last.measured(ours, "get"), to: get).median, atMost: 3)

        // All of them side by side, so that they can be compared to each other.
        var experiment = Experiment(nothing: nothing)
        for file in files { try addChanges(of: ours, in: file, to: &experiment) }
        let changes = try measure(experiment, "file store and erase")
        report.add(
            "file store, 10,000 logins, to 1 login",
            changes.ratio(of: last.measured(ours, "store"), to: first.measured(ours, "store"))
                .median, atMost: 4)
        report.add(
            "file erase, 10,000 logins, to 1 login",
            changes.ratio(of: last.measured(ours, "erase"), to: first.measured(ours, "erase"))
                .median, atMost: 4)
        for file in [first, last] {
            var experiment = Experiment(nothing: nothing)
            try addChanges(of: file.peer, in: file, to: &experiment)
            _ = try measure(experiment, "\(file.peer) store and erase, \(file.logins) logins")
        }
        let lists = try measureLists(files)
        let list = last.measured(ours, "list")
        report.add(
            "\(name(list)), to pass's", lists.ratio(of: list, to: list.by(last.peer)).median,
            atMost: 0.1)
    }

    private mutating func measureGets(
        _ places: [Surroundings], floor: String?
    ) throws -> Measurements {
        var experiment = Experiment(nothing: nothing)
        for place in places {
            for program in [ours, place.peer] {
                let helper = executable(program)
                experiment.add(
                    place.measured(program, "get"),
                    try place.launch(helper, "get", input: Surroundings.server))
                experiment.add(
                    place.measured(program, absent),
                    try place.launch(
                        helper, "get", input: Surroundings.absentServer, mayFail: true))
            }
            if let floor {
                experiment.add(
                    place.measured(floor, "get"),
                    try place.launch("\(floors)/\(floor)", input: Surroundings.server))
            }
        }
        return try measure(experiment, "\(places[0].place.rawValue) get")
    }

    private mutating func measureChanges(_ place: Surroundings) throws -> Measurements {
        var experiment = Experiment(nothing: nothing)
        for program in [ours, place.peer] {
            try addChanges(of: program, in: place, to: &experiment)
        }
        return try measure(
            experiment, "\(place.place.rawValue) store and erase, \(place.logins) logins")
    }

    /// A login that comes and goes.
    private func addChanges(
        of program: String, in place: Surroundings, to experiment: inout Experiment
    ) throws {
        let helper = executable(program)
        experiment.add(
            place.measured(program, "store"),
            try place.launch(
                helper, "store", input: Surroundings.request(for: Surroundings.newServer)))
        experiment.add(
            place.measured(program, "erase"),
            try place.launch(helper, "erase", input: Surroundings.newServer))
    }

    private mutating func measureLists(_ places: [Surroundings]) throws -> Measurements {
        var experiment = Experiment(nothing: nothing)
        for place in places {
            for program in [ours, place.peer] {
                experiment.add(
                    place.measured(program, "list"), try place.launch(executable(program), "list"))
            }
        }
        return try measure(experiment, "\(places[0].place.rawValue) list")
    }

    private mutating func measureManyAtOnce(_ place: Surroundings, atLeast limit: Double) throws {
        for processes in [8, 64] {
            var experiment = Experiment(nothing: nothing)
            let get = place.measured(ours, "get", processes: processes)
            for program in [ours, place.peer] {
                experiment.add(
                    get.by(program),
                    try place.launch(executable(program), "get", input: Surroundings.server))
            }
            let measurements = try measure(experiment, name(get))
            let value = measurements.ratio(of: get.by(place.peer), to: get).median
            let name = "\(name(get)): throughput, to the peer's"
            if processes == 64 {
                report.add(name, value, atLeast: limit)
            } else {
                report.add(name, value)
            }
        }
    }

    private mutating func measureMemory(_ place: Surroundings, atMost limit: Double) throws {
        for program in [ours, place.peer] {
            let figures = try (0..<rounds).map { _ in
                let outcome = try place.sandbox.run(
                    "\(floors)/peak-memory", executable(program), "get",
                    input: Surroundings.server)
                guard outcome.succeeded, let size = Double(outcome.output.dropLast()) else {
                    throw SandboxError("peak-memory: \(outcome)")
                }
                return size * 1024 / 1e6
            }
            report.add(
                "peak memory of \(program) get, \(place.place.rawValue)", Spread(figures).median,
                unit: "MB", atMost: program == ours ? limit : nil)
        }
    }

    private mutating func measure(_ experiment: Experiment, _ name: String) throws -> Measurements {
        say("measuring \(name)")
        let measurements = try experiment.run(rounds: rounds)
        report.add(measurements)
        return measurements
    }

    private func name(_ measured: Case) -> String {
        var name = "\(measured.place.rawValue) \(measured.action), \(measured.logins) login"
        if measured.logins != 1 { name += "s" }
        if measured.others > 0 { name += " among \(measured.logins + measured.others) items" }
        if measured.processes > 1 { name += ", \(measured.processes) at once" }
        return name
    }

    private func executable(_ program: String) -> String { program == ours ? helper : program }
}

private let ours = Case.ours
private let helper = "docker-credential-keyfob"
/// The action of asking for a server that is not there.
private let absent = "get of none"
