import Credentials
import Foundation
import JSON
import Settings

extension Subject {
    /// The configuration file. Nothing in it stops the helper; what is not understood is said on
    /// one line; and what is understood is what it says.
    package static let configurationFile = Subject("configuration-file") { input in
        let settings = try WrittenConfiguration.settings(input)
        try require(
            (settings.refusal != nil) == !settings.problems.isEmpty, "a problem stops a store")
        for problem in settings.problems {
            let breaksLine = problem.unicodeScalars.contains {
                $0.properties.generalCategory == .control
            }
            try require(!breaksLine, "a problem is one line")
        }
        try require((1...3600).contains(settings.promptTimeout), "a prompt stands for a while")
        try require((0...604_800).contains(settings.unlockSeconds), "a file is locked some day")
        try require(!settings.collection.isEmpty, "a collection has a name")
        try require(settings.keyFile?.hasPrefix("/") ?? true, "a key file has an absolute path")

        guard let value = try? JSON(decoding: Secret(copying: input.span)) else {
            try require(settings.problems.count == 1, "what is not JSON is one problem")
            return
        }
        let line = try value.encoded()
        let written = line.expose { bytes in bytes.indices.map { bytes[$0] } }
        let sameSettings = try WrittenConfiguration.settings(written)
        try require(sameSettings == settings, "a value that is written anew says the same")
        let lineAgain = try JSON(decoding: line).encoded()
        try require(lineAgain == line, "a value has one line")
    }
}

/// One configuration file in a folder of its own, written anew each time. It lies in memory: the
/// folder has only a link to it.
private enum WrittenConfiguration {
    static func settings(_ content: [UInt8]) throws -> Settings {
        try require(ftruncate(file, 0) == 0, "the file can be emptied")
        let written = unsafe pwrite(file, content, content.count, 0)
        try require(written == content.count, "the file can be written")
        return Settings(configDirectory: folder, Environment([:]))
    }

    private static let file: Int32 = {
        let name = "/keyfob-fuzz-\(getpid())"
        let file = unsafe shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0o600)
        unsafe shm_unlink(name)
        guard file >= 0 else { fatalError("no file in memory: error \(errno)") }
        return file
    }()

    private static let folder: String = {
        var template = Array("/tmp/keyfob-fuzz.XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { fatalError("no temporary folder") }
        let path = String(
            decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        let link = unsafe symlink("/proc/self/fd/\(file)", path + "/config.json")
        guard link == 0 else { fatalError("no link to the file: error \(errno)") }
        atexit { try? FileManager.default.removeItem(atPath: folder) }
        return path
    }()
}
