import Foundation
import Sandbox
import Testing

@Suite struct TranscriptTests {
    /// One for each program.
    private static let folders = ["cargo", "docker", "git", "keyfob", "terraform"]

    @Test(arguments: folders.flatMap { Transcript.all(of: $0) })
    func theProgramKeepsToTheTranscript(transcript: Transcript) throws {
        let sandbox = try Sandbox()
        sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        let steps = try transcript.steps()
        #expect(!steps.isEmpty)
        for step in steps {
            switch step {
            case .scene(let line, let command):
                let outcome = try sandbox.run("/bin/sh", "-c", command)
                #expect(outcome.succeeded, "\(transcript.name):\(line): \(outcome)")
            case .run(let run):
                try play(run, of: transcript, in: sandbox)
            }
        }
    }

    @Test(arguments: folders) func thereAreTranscripts(folder: String) {
        #expect(!Transcript.all(of: folder).isEmpty)
    }

    private func play(
        _ run: Transcript.Run, of transcript: Transcript, in sandbox: Sandbox
    ) throws {
        let before = try Snapshot(of: sandbox.file("home"))
        let outcome = try sandbox.run("/bin/sh", "-c", run.command, input: run.input)
        let place = "\(transcript.name):\(run.line): \(outcome)"
        let home = Array(sandbox.file("home").utf8)
        #expect(outcome.status == run.status, Comment(rawValue: place))
        let outputIsAsWritten = outcome.outputBytes == run.output.naming(home)
        #expect(outputIsAsWritten, Comment(rawValue: place))
        let errorsAreAsWritten = outcome.errorBytes == run.errors.naming(home)
        #expect(errorsAreAsWritten, Comment(rawValue: place))
        if !run.mayWrite {
            let isUntouched = try Snapshot(of: sandbox.file("home")) == before
            #expect(isUntouched, "\(transcript.name):\(run.line): a file has been touched")
        }
    }
}

extension Transcript: CustomTestStringConvertible {
    var testDescription: String { name }
}

/// What lies in a folder, and when it was last changed.
private struct Snapshot: Equatable {
    private struct File: Equatable {
        let mode: mode_t
        let seconds: Int
        let nanoseconds: Int
        let content: Data?
    }

    private let files: [String: File]

    init(of folder: String) throws {
        var files: [String: File] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: folder) {
            let path = "\(folder)/\(name)"
            var status = stat()
            guard unsafe lstat(path, &status) == 0 else { continue }
            let isFile = status.st_mode & S_IFMT == S_IFREG
            files[name] = File(
                mode: status.st_mode, seconds: status.st_mtim.tv_sec,
                nanoseconds: status.st_mtim.tv_nsec,
                content: isFile ? FileManager.default.contents(atPath: path) : nil)
        }
        self.files = files
    }
}

extension [UInt8] {
    /// With the home in place of each `$HOME`.
    fileprivate func naming(_ home: [UInt8]) -> [UInt8] {
        let name = Array("$HOME".utf8)
        var bytes: [UInt8] = []
        var rest = self[...]
        while !rest.isEmpty {
            if rest.starts(with: name) {
                bytes += home
                rest = rest.dropFirst(name.count)
            } else {
                bytes.append(rest.removeFirst())
            }
        }
        return bytes
    }
}
