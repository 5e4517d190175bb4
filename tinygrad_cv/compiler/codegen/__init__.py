"""From a plan to LLVM text: a function for each structure of loop nest, gathered in modules."""
