//! What is given wrongly to a platform of documents: a clear word that says the next move, and nothing lost.
