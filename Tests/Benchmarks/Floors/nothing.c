/// The least a process can cost: it does nothing.

int main(void) { return 0; }
