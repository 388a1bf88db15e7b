@main
struct Helper {
    static func main() {}
}
