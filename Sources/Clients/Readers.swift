package import Files

extension Client {
    /// Returns the first of its programs that is installed; nil if none is.
    package func installed(in surroundings: Surroundings) -> String? {
        programs.first { surroundings.program($0) != nil }
    }

    /// Returns the other clients that are installed and read the file. One whose settings cannot be
    /// read may do so.
    package func otherReaders(
        of file: ClientFile, in surroundings: Surroundings
    ) -> [any Client] {
        Clients.all.filter { other in
            other.name != name && other.installed(in: surroundings) != nil
                && (try? other.keeper(in: surroundings))?.readsFile != false
                && other.plaintextFiles(in: surroundings).contains {
                    $0.file.identity == file.identity
                }
        }
    }
}
